// Why a key is not there, or what is known of it if it is. For operators; Cache::explain asks.
//
// An item that is there tells its story itself. Of those that are gone, the cache logs the removals of a sample: at
// first all of them, then, as removals become more frequent, half of the keys, a quarter and so on, down to one in
// 1,024, so that the log reaches back ten minutes at least, if that share is not too much; and more again when
// removals have become few. It takes 1/512 of the memory limit, at most 1 MiB. A removal that is not logged costs
// one comparison. Hits cost nothing; nor do misses, but for one that finds an expired item, and removes it.
//
//   fmt::print("{}\n", larder::to_string(cache->explain("user:7")));
//
// prints, for example:
//
//   Evicted 41 s ago from the small chain, 310 s after it was stored, without having been read.
#ifndef LARDER_EXPLAIN_H_
#define LARDER_EXPLAIN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "larder/api.h"
#include "larder/item.h"

namespace larder {

// What has become of a key.
enum class KeyState : uint8_t {
  kPresent,  // there is an item
  kEvicted,  // it had to make room
  kExpired,  // its expiry passed
  kErased,   // a caller removed it: erase, erase_tag, reject, an expiry already past, a failed set; or a load found
             // nothing
  kFlushed,  // flush_all or flush_namespace removed it
  kUnknown,  // there is none, and nothing is known of one
};
// "present", "evicted", …
[[nodiscard]] LARDER_API std::string_view to_string(KeyState state);

// Where the eviction policy has an item.
enum class ItemChain : uint8_t {
  kSmall,  // on probation: new, and read less than twice when its turn came
  kMain,   // proven: read twice while on probation, or stored again soon after its eviction; or a part of a loop
           // that is longer than the cache
};
// "small", "main".
[[nodiscard]] LARDER_API std::string_view to_string(ItemChain chain);

// What a cache knows of one key. Seconds are whole ones, up to now unless it says otherwise. What is not known, or
// does not apply to the state, is empty.
struct Explanation {
  KeyState state = KeyState::kUnknown;

  // Of an item that is there.
  // Since its value was last changed: never too little; exact for some seconds, too much by up to a seventh for
  // minutes, by up to its half for hours. Empty without CAS numbers (Options::cas), or if a caller chose the
  // number.
  std::optional<uint32_t> stored_s;
  // Since it was last read, if accesses are noted: from the first time that somebody asked for its history
  // (ReadOptions::wants_history).
  std::optional<uint32_t> read_s;
  uint32_t frequency = 0;          // 0..3: the reads that the eviction policy remembers
  int64_t ttl_ms = kNeverExpires;  // milliseconds left

  // Of an item that is gone.
  // Since it was removed. One that has expired may have done so earlier, unless its room is still unclaimed.
  std::optional<uint32_t> gone_s;
  // From when its value was last changed until it went; inexact as stored_s, and rounded to a sixteenth.
  std::optional<uint32_t> lived_s;
  std::optional<bool> was_read;  // in the main chain: since the cleaner last kept it; an overwrite keeps it

  // Of both.
  std::optional<ItemChain> chain;
  bool is_large = false;  // longer than a quarter of a segment, and stored alone

  // What the log of removals can tell.
  bool is_followed = false;  // whether removals of this key are logged
  double share_followed =
      0;                 // of how many keys they are, 0..1; 0: there is no log, the limit being too low for one
  uint32_t reach_s = 0;  // how long back the log knows this key's removals, or would if it were followed
  // How likely what is said of a key that is gone is about another one with the same fingerprint.
  double collision_chance = 0;

  // Whether the ghost knows it: it was evicted from the small chain, read once at most, since when items of no more
  // than the memory limit have been evicted from there. Then it is kEvicted; if it is not followed, that is all.
  bool is_in_ghost = false;
  std::optional<uint32_t> flushed_s;  // since the last flush that took its namespace, if there was one
};

// In plain English, in one to three sentences.
[[nodiscard]] LARDER_API std::string to_string(const Explanation& explanation);

}  // namespace larder

#endif  // LARDER_EXPLAIN_H_
