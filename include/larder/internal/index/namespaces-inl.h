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
  }
  std::vector<std::string_view> prefixes;
  for (const Namespace& one : declared) prefixes.push_back(one.prefix);
  std::ranges::sort(prefixes);
  if (const auto twice = std::ranges::adjacent_find(prefixes); twice != prefixes.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("namespaces: the prefix ", quoted(std::string(*twice)), " is declared twice"));
  }
  return absl::OkStatus();
}

LARDER_INLINE Namespaces::Namespaces(std::span<const Namespace> declared, size_t items_max)
    : are_limited_(items_max != 0) {
  limits_.push_back(0);
  for (const Namespace& one : declared) {
    prefixes_.push_back({.text = one.prefix, .number = static_cast<uint32_t>(limits_.size())});
    limits_.push_back(one.item_bytes_limit);
    are_limited_ = are_limited_ || one.item_bytes_limit != 0;
  }
  limits_.push_back(items_max);
  std::ranges::sort(prefixes_, {}, &Prefix::text);
  // Those before it in byte order that it starts with are the one before it and its outer ones.
  for (size_t i = 1; i < prefixes_.size(); ++i) {
    const Prefix* outer = &prefixes_[i - 1];
    while (outer != nullptr && !prefixes_[i].text.starts_with(outer->text)) outer = outer->outer;
    prefixes_[i].outer = outer;
  }
}

LARDER_INLINE const Namespaces::Prefix* Namespaces::last_up_to(std::string_view text) const {
  const auto behind = std::ranges::upper_bound(prefixes_, text, {}, &Prefix::text);
  return behind == prefixes_.begin() ? nullptr : &*(behind - 1);
}

// Everything between a prefix and a key that starts with it, in byte order, starts with it, too. So the prefixes
// that a key starts with are among the last one that does not come after the key, and its outer ones.
LARDER_INLINE uint32_t Namespaces::find(std::string_view key) const {
  const Prefix* candidate = last_up_to(key);
  if (candidate == nullptr) return 0;
  const auto common = std::ranges::mismatch(key, candidate->text).in1 - key.begin();
  while (candidate != nullptr && candidate->text.size() > static_cast<size_t>(common)) candidate = candidate->outer;
  return candidate != nullptr ? candidate->number : 0;
}

LARDER_INLINE std::vector<uint32_t> Namespaces::declared_as(std::string_view prefix) const {
  const Prefix* one = last_up_to(prefix);
  if (one == nullptr || one->text != prefix) return {};
  std::vector<uint32_t> numbers;
  for (; one != prefixes_.data() + prefixes_.size() && one->text.starts_with(prefix); ++one) {
    numbers.push_back(one->number);
  }
  return numbers;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_NAMESPACES_INL_H_
