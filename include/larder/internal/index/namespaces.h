// Which namespace a key belongs to: the one whose prefix it begins with.
//
// Namespaces go by numbers: 0 is that of the keys which belong to none of those declared, and the one that
// Options::namespaces[i] declares is i + 1.
#ifndef LARDER_INTERNAL_INDEX_NAMESPACES_H_
#define LARDER_INTERNAL_INDEX_NAMESPACES_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "larder/options.h"

namespace larder::internal {

class Namespaces {
 public:
  // Whether these may be declared together.
  [[nodiscard]] static absl::Status check(std::span<const Namespace> declared, size_t memory_limit_bytes);

  Namespaces() : Namespaces(std::span<const Namespace>()) {}
  explicit Namespaces(std::span<const Namespace> declared);

  // The namespace of a key.
  [[nodiscard]] uint32_t of(std::string_view key) const { return prefixes_.empty() ? 0 : find(key); }
  // The one that was declared with this prefix.
  [[nodiscard]] std::optional<uint32_t> declared_as(std::string_view prefix) const;

  // With number 0.
  [[nodiscard]] uint32_t count() const { return static_cast<uint32_t>(prefixes_.size()) + 1; }
  // Namespace::item_bytes_limit; 0 of number 0.
  [[nodiscard]] size_t limit(uint32_t number) const { return limits_[number]; }
  [[nodiscard]] bool are_limited() const { return are_limited_; }
  // How many bits their numbers take; 0 if none is declared.
  [[nodiscard]] int bits() const { return static_cast<int>(std::bit_width(prefixes_.size())); }

 private:
  struct Prefix {
    std::string text;
    uint32_t number;
  };

  [[nodiscard]] uint32_t find(std::string_view key) const;
  // The last prefix that does not come behind `text`, in the order of bytes.
  [[nodiscard]] const Prefix* last_up_to(std::string_view text) const;

  std::vector<Prefix> prefixes_;  // in the order of their bytes
  std::vector<size_t> limits_;    // by number
  bool are_limited_ = false;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_NAMESPACES_H_
