#ifndef LARDER_INTERNAL_INDEX_NAMESPACES_INL_H_
#define LARDER_INTERNAL_INDEX_NAMESPACES_INL_H_

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/internal/index/namespaces.h"

namespace larder::internal {

inline std::string quoted(const std::string& prefix) { return absl::StrCat("'", absl::CHexEscape(prefix), "'"); }

LARDER_INLINE absl::Status Namespaces::check(std::span<const Namespace> declared, size_t memory_limit_bytes) {
  if (declared.size() > kNamespacesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("namespaces: ", declared.size(), " are more than ", kNamespacesMax));
  }
  for (const Namespace& one : declared) {
    if (one.prefix.empty() || one.prefix.size() >= kKeyBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("namespaces: a prefix of ", one.prefix.size(), " bytes is not of 1..", kKeyBytesMax - 1));
    }
    if (one.item_bytes_limit != 0 &&
        (one.item_bytes_limit < kItemBytesMaxMin || one.item_bytes_limit > memory_limit_bytes)) {
      return absl::InvalidArgumentError(absl::StrCat("namespaces: item_bytes_limit of ", quoted(one.prefix), ": ",
                                                     one.item_bytes_limit, " is neither 0 nor in ",
                                                     kItemBytesMaxMin, "..", memory_limit_bytes));
    }
    for (const Namespace& other : declared) {
      if (&one != &other && other.prefix.starts_with(one.prefix)) {
        return absl::InvalidArgumentError(absl::StrCat("namespaces: the prefix ", quoted(other.prefix),
                                                       " begins with another one, ", quoted(one.prefix)));
      }
    }
  }
  return absl::OkStatus();
}

LARDER_INLINE Namespaces::Namespaces(std::span<const Namespace> declared) {
  limits_.push_back(0);
  for (const Namespace& one : declared) {
    prefixes_.push_back({.text = one.prefix, .number = static_cast<uint32_t>(limits_.size())});
    limits_.push_back(one.item_bytes_limit);
    are_limited_ = are_limited_ || one.item_bytes_limit != 0;
  }
  std::ranges::sort(prefixes_, {}, &Prefix::text);
}

LARDER_INLINE const Namespaces::Prefix* Namespaces::last_up_to(std::string_view text) const {
  const auto behind = std::ranges::upper_bound(prefixes_, text, {}, &Prefix::text);
  return behind == prefixes_.begin() ? nullptr : &*(behind - 1);
}

// Everything between a prefix and a key that starts with it, in byte order, starts with it, too; and no prefix
// starts with another. So if a key starts with any prefix, it is the last one that does not come after the key.
LARDER_INLINE uint32_t Namespaces::find(std::string_view key) const {
  const Prefix* const candidate = last_up_to(key);
  return candidate != nullptr && key.starts_with(candidate->text) ? candidate->number : 0;
}

LARDER_INLINE std::optional<uint32_t> Namespaces::declared_as(std::string_view prefix) const {
  const Prefix* const candidate = last_up_to(prefix);
  if (candidate == nullptr || candidate->text != prefix) return std::nullopt;
  return candidate->number;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_NAMESPACES_INL_H_
