// What is stored under a key: the value and its attributes.
#ifndef LARDER_INTERNAL_ITEM_CONTENT_H_
#define LARDER_INTERNAL_ITEM_CONTENT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "larder/tags.h"

namespace larder::internal {

// "Never", as a deadline in milliseconds since the cache was made. Every other deadline is lower.
inline constexpr int64_t kNeverMs = int64_t{1} << 40;

// Converts milliseconds to whole seconds.
[[nodiscard]] constexpr uint32_t whole_seconds(int64_t ms) { return static_cast<uint32_t>(ms / 1000); }

// Rare properties of an item. An item without any of these marks pays nothing for them.
using Marks = uint16_t;
inline constexpr Marks kMarkStale = 0x01;
inline constexpr Marks kMarkWon = 0x02;        // a reader has the lease: it was told to renew the item
inline constexpr Marks kMarkBinaryKey = 0x04;  // SetOptions::is_key_binary
inline constexpr Marks kMarkTracked = 0x08;    // somebody asked for the item's history: accesses are recorded
inline constexpr Marks kMarkFetched = 0x10;    // only with kMarkTracked: read since it was stored
inline constexpr Marks kMarkGrace = 0x20;      // the last part of its ttl is a loader's LoadOptions::stale_grace
// Records of loaders that are not items. For everybody else the key is missing.
inline constexpr Marks kMarkPlaceholder = 0x40;  // a load is under way
inline constexpr Marks kMarkAbsent = 0x80;       // an absent marker: there was nothing to load
inline constexpr Marks kMarksHidden = kMarkPlaceholder | kMarkAbsent;
inline constexpr Marks kMarkIdle = 0x100;  // it goes when nobody reads it for a time
// How many tags it has: a number of three bits.
inline constexpr int kTagCountShift = 9;
inline constexpr Marks kMarksTags = 7 << kTagCountShift;
static_assert(kTagsMax <= 7);

// What a record holds besides its key.
struct Content {
  [[nodiscard]] bool has(Marks mark) const { return (marks & mark) != 0; }
  [[nodiscard]] bool is_hidden() const { return has(kMarksHidden); }
  [[nodiscard]] size_t value_bytes() const { return value.size() + tail.size(); }
  // If is_joined, the value to store is in two pieces, the second of which may be empty.
  [[nodiscard]] bool is_joined() const { return tail.data() != nullptr; }

  std::string_view value;
  std::string_view tail = {};  // if is_joined: comes after the value
  uint32_t flags = 0;
  int64_t deadline_ms = kNeverMs;
  uint64_t cas = 0;  // the stripe's count, or a whole number if is_cas_whole
  bool is_cas_whole = false;
  Marks marks = 0;
  uint32_t accessed_s = 0;  // with kMarkTracked
  // With kMarkIdle: how long it is there without being read, and until when at most. Reads move the deadline.
  uint32_t idle_ms = 0;
  int64_t end_ms = kNeverMs;
  // With tags: how many erasures there had been when it was stored, in 6 bytes, and the tags' hashes, in 4 each.
  const std::byte* tags = nullptr;

  [[nodiscard]] size_t tag_count() const { return marks >> kTagCountShift; }

  // Ends then, or earlier if it has an idle time, as if it were used now. Here and below, `latest_ms` is the latest
  // time that it can be now: Engine::latest_ms.
  void end_at(int64_t own_end_ms, int64_t latest_ms) {
    end_ms = own_end_ms;
    deadline_ms = has(kMarkIdle) ? idle_deadline_ms(latest_ms) : own_end_ms;
  }
  // It is used now.
  void note_use(int64_t latest_ms) {
    if (has(kMarkIdle)) deadline_ms = std::max(deadline_ms, idle_deadline_ms(latest_ms));
  }
  // When it ends if it is always used in time.
  [[nodiscard]] int64_t expiry_ms() const { return has(kMarkIdle) ? end_ms : deadline_ms; }
  // Whether a use has to move the deadline.
  [[nodiscard]] bool must_prolong(int64_t latest_ms) const {
    return has(kMarkIdle) && deadline_ms < end_ms && deadline_ms - latest_ms <= idle_ms;
  }
  // The last moment to do so at any cost.
  [[nodiscard]] bool is_nearly_over(int64_t latest_ms) const { return deadline_ms - latest_ms <= idle_ms / 2; }

 private:
  // How often at most, in an idle time, a use moves the deadline: it is set a little later than it must be.
  static constexpr uint32_t kIdleSteps = 16;
  [[nodiscard]] int64_t idle_deadline_ms(int64_t latest_ms) const {
    return std::min(end_ms, latest_ms + idle_ms + idle_ms / kIdleSteps + 1);
  }
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ITEM_CONTENT_H_
