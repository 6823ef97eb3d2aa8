// Tags: names that items share, so that all items with one of them can be erased at once.
//
//   cache.set("page:7", html, {.tags = {"user:1", "news"}});
//   cache.set("menu", menu, {.tags = {"news"}});
//   larder::erase_tag(cache, "news");  // both are gone
//
// A tag needs no declaration: there may be any number of them. An item that has no tags costs nothing; one that has
// costs 12 bytes, and 4 for each. Tags stay with their item when its value or expiry is changed; a store of another
// value (set, add, replace, cas) gives it those of the store, or none.
#ifndef LARDER_TAGS_H_
#define LARDER_TAGS_H_

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "larder/api.h"

namespace larder {

class Cache;

// An item can have so many.
inline constexpr size_t kTagsMax = 4;

// 0..kTagsMax tags, each of any bytes. Keeps hashes of them.
class Tags {
 public:
  constexpr Tags() = default;

  // {"a", "b"}: of strings and views of any kind.
  template <std::convertible_to<std::string_view>... T>
  requires(sizeof...(T) >= 1 && sizeof...(T) <= kTagsMax) Tags(const T&... tags)  // NOLINT: for braces
      : hashes_{hash(tags)...} {}

  // Those of a range of strings; nothing if they are more than kTagsMax.
  template <class Strings>
  [[nodiscard]] static std::optional<Tags> of(const Strings& strings) {
    Tags tags;
    size_t count = 0;
    for (const auto& tag : strings) {
      if (count == kTagsMax) return std::nullopt;
      tags.hashes_[count++] = hash(tag);
    }
    return tags;
  }

  [[nodiscard]] constexpr bool empty() const { return hashes_[0] == 0; }  // whether there are none
  // By which the cache knows them; 0 behind the last one.
  [[nodiscard]] constexpr const std::array<uint32_t, kTagsMax>& hashes() const { return hashes_; }
  // 1 and above.
  [[nodiscard]] LARDER_API static uint32_t hash(std::string_view tag);

 private:
  std::array<uint32_t, kTagsMax> hashes_{};
};

// Erases all items that were stored with this tag before this call. Takes effect at once for every reader, and
// costs the same however many items there are. What they leave is reclaimed when it is asked for, when its turn to
// be evicted comes, or by Cache::maintain; without eviction, by a store that finds no room, which searches
// everything for it once a second at most. Until then they count as items. A listener is told when the cache meets
// them: see removal_listener.h.
//
// The cache remembers erasures, not tags, in 1/256 of the memory limit as it is when tags are first used, at most
// 256 MiB and rounded down to a power of two, so that erasures of other tags take some items along. Of items with
// one tag, at a limit of 1 GiB, 0.02 % are gone after 10,000 erasures since they were stored, 2 % after 50,000, and
// 21 % after 150,000; in proportion to that memory. Of items with more tags, so many more are.
//
// An item that a loader stores (LoadOptions::tags) counts as stored when the caller asked for it, so that a value
// that was loaded before what it was made from changed does not outlive the erasure.
//
// Thread-safe; takes no lock but when tags are first used.
LARDER_API void erase_tag(Cache& cache, std::string_view tag);

}  // namespace larder

#endif  // LARDER_TAGS_H_
