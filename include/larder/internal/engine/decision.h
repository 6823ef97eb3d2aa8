// What should become of an item: what an operation of the cache decides and the engine carries out. The functions
// are pure: from an item as it is stored, they make the content it should have.
#ifndef LARDER_INTERNAL_ENGINE_DECISION_H_
#define LARDER_INTERNAL_ENGINE_DECISION_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "larder/internal/item/content.h"

namespace larder::internal {

// Whether an operation sees what loaders leave (Content::is_hidden), or finds those keys missing.
enum class Placeholders : uint8_t { kHidden, kShown };

// An item under its stripe's lock, as decisions are made from it.
struct StoredItem {
  std::string_view key;
  const Content& content;
  uint64_t cas;  // the whole number, of which `content` may have a part only
};

struct Decision {
  enum class Kind : uint8_t {
    kLeave,
    kRemove,
    kReplace,  // another value, with flags, deadline and marks of its own
    kAmend,    // other flags, another deadline, other marks; the value stays
  };
  Kind kind = Kind::kLeave;
  Content content = {};      // kReplace and kAmend; of its CAS number, kMarkFetched and accessed_s nothing is used
  bool keeps_cas = false;    // kReplace and kAmend: the number stays, and so does what kMarkFetched says
  uint64_t cas = 0;          // the same, unless keeps_cas: the new number; 0 is the next one
  bool is_used = false;      // counts as a use of the item that is there
  bool is_appended = false;  // kReplace: the value is the old one with more behind it
};

// What is known of an item's past besides what it shows.
struct History {
  bool was_fetched = false;
  uint32_t idle_s = 0;
};

// To remove the item, if the deadline that was decided on has passed; otherwise what was decided.
[[nodiscard]] Decision removal_if_over(Decision decision, int64_t now_ms);

// A new value, or none at all when its deadline is already past. `cas`: as in Decision.
[[nodiscard]] Decision replacement(const Content& content, int64_t now_ms, uint64_t cas = 0);

// Another end for the item, and nothing else; all of the time until then is its ttl.
[[nodiscard]] Decision postponement(const StoredItem& item, int64_t end_ms, int64_t latest_ms, int64_t now_ms);

// Marks more for the item, and nothing else.
[[nodiscard]] Decision marking(const StoredItem& item, Marks marks);

// Whether the item has the CAS number `expected`; 0 is nobody's.
[[nodiscard]] inline bool has_cas(const StoredItem& item, uint64_t expected) {
  return expected != 0 && item.cas == expected;
}

[[nodiscard]] inline Marks binary_key_mark(bool is_key_binary) { return is_key_binary ? kMarkBinaryKey : Marks{0}; }

// Digits for an unsigned 64-bit number, with spaces around and a '+' before them allowed.
[[nodiscard]] std::optional<uint64_t> parse_number(std::string_view text);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_DECISION_H_
