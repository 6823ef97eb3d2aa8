// Which namespace a key belongs to: the one with the longest prefix that it starts with.
//
// Namespaces are numbered: Options::namespaces[i] has the number i + 1, and 0 stands for all keys that belong to
// no declared namespace. Where it is about limits, the number after the last one stands for the whole cache.
#ifndef LARDER_INTERNAL_INDEX_NAMESPACES_H_
#define LARDER_INTERNAL_INDEX_NAMESPACES_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "larder/options.h"

namespace larder::internal {

class Namespaces {
 public:
  // OK if these namespaces may be declared together; otherwise says why not.
  [[nodiscard]] static absl::Status check(std::span<const Namespace> declared, size_t memory_limit_bytes);

  Namespaces() : Namespaces(std::span<const Namespace>()) {}
  explicit Namespaces(std::span<const Namespace> declared, size_t items_max = 0);
  Namespaces(Namespaces&&) = default;  // not copied: prefixes point to each other

  // The namespace of a key.
  [[nodiscard]] uint32_t of(std::string_view key) const { return prefixes_.empty() ? 0 : find(key); }
  // The namespace that was declared with this prefix, and then those whose prefixes start with it; none if it was
  // not declared.
  [[nodiscard]] std::vector<uint32_t> declared_as(std::string_view prefix) const;

  // Including number 0.
  [[nodiscard]] uint32_t count() const { return static_cast<uint32_t>(prefixes_.size()) + 1; }
  // Namespace::item_bytes_limit; 0 for number 0; Options::items_max for the whole cache.
  [[nodiscard]] size_t limit(uint32_t number) const { return limits_[number]; }
  [[nodiscard]] bool are_limited() const { return are_limited_; }
  // How many bits their numbers need; 0 if none is declared.
  [[nodiscard]] int bits() const { return static_cast<int>(std::bit_width(prefixes_.size())); }

 private:
  struct Prefix {
    std::string text;
    uint32_t number;
    const Prefix* outer = nullptr;  // the longest that this one starts with
  };

  [[nodiscard]] uint32_t find(std::string_view key) const;
  // The last prefix that does not come after `text`, in byte order.
  [[nodiscard]] const Prefix* last_up_to(std::string_view text) const;

  std::vector<Prefix> prefixes_;  // in byte order
  std::vector<size_t> limits_;    // by number
  bool are_limited_ = false;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_NAMESPACES_H_
