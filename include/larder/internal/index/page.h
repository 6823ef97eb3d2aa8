// A page of the index: 1..4 units of 4 KiB, full of buckets.
//
// It grows by a unit when it is nearly full; a page of maximum size splits in two. Either way it moves to other
// memory (index_memory.h). The tag alone decides where a slot belongs: the directory uses the tag's upper bits,
// the page the next ones. So growing, splitting and merging never read a key. A page that loses slots shrinks and
// merges.
//
// An entry of a directory:   31        6 5     4 3   0
//                           | first unit | units-1 | depth |
#ifndef LARDER_INTERNAL_INDEX_PAGE_H_
#define LARDER_INTERNAL_INDEX_PAGE_H_

#include <cstddef>
#include <cstdint>

#include "larder/internal/index/bucket.h"
#include "larder/internal/index/index_memory.h"
#include "larder/internal/index/slot.h"

namespace larder::internal {

inline constexpr size_t kPageUnitBytes = IndexMemory::kUnitBytes;
inline constexpr uint32_t kBucketsPerUnit = kPageUnitBytes / sizeof(Bucket);
inline constexpr uint32_t kSlotsPerUnit = kBucketsPerUnit * kSlotsPerBucket;
inline constexpr uint32_t kPageUnitsMax = IndexMemory::kRunUnitsMax;
// A page with this many slots per unit grows; one that would have this many with a unit less shrinks.
inline constexpr uint32_t kFullSlotsPerUnit = kSlotsPerUnit * 7 / 8;
inline constexpr uint32_t kSparseSlotsPerUnit = kSlotsPerUnit * 5 / 8;
// A page that could not grow accepts slots up to this number.
inline constexpr uint32_t kCrammedSlotsPerUnit = kSlotsPerUnit * 15 / 16;
// Tag bits that the directory may use; the rest must still distinguish kPageUnitsMax * kBucketsPerUnit buckets.
inline constexpr int kPageDepthMax = 14;
static_assert((1u << (Slot::kTagBits - kPageDepthMax)) >= kPageUnitsMax * kBucketsPerUnit);

// How a directory entry encodes a page.
inline constexpr int kEntryDepthBits = 4;
static_assert(kPageDepthMax < 1 << kEntryDepthBits);
inline constexpr int kEntryUnitsBits = 2;
static_assert(kPageUnitsMax == 1 << kEntryUnitsBits);
static_assert(IndexMemory::kUnitsMax == size_t{1} << (32 - kEntryUnitsBits - kEntryDepthBits));

struct Page {
  uint32_t first_unit;
  uint32_t units;
  int depth;
  Bucket* buckets;
  uint64_t generation;  // the low bits that its current buckets have

  // The page of a stripe that has none yet: unit 0, which never has any slots.
  [[nodiscard]] bool is_none() const { return first_unit == 0; }

  [[nodiscard]] bool is_current(uint64_t control) const { return Bucket::generation(control) == generation; }
  // Current, and not being changed.
  [[nodiscard]] bool is_current_at_rest(uint64_t control) const {
    return ((control >> Bucket::kGenerationShift) & (2 * Bucket::kGenerationMask + 1)) == generation;
  }
  [[nodiscard]] uint32_t bucket_count() const { return units * kBucketsPerUnit; }
  // Bucket numbers wrap around.
  [[nodiscard]] Bucket& bucket(uint32_t number) const {
    return buckets[number < bucket_count() ? number : number - bucket_count()];
  }
  [[nodiscard]] uint32_t home(uint32_t tag) const {
    const uint32_t rest = (tag << depth) & (Slot::kTagCount - 1);
    return static_cast<uint32_t>((uint64_t{rest} * bucket_count()) >> Slot::kTagBits);
  }
  // The first tag after `tag` that has another home.
  [[nodiscard]] uint32_t end_tag_of_home(uint32_t tag, uint32_t home) const {
    const uint64_t rest =
        ((uint64_t{home} + 1) * Slot::kTagCount + bucket_count() - 1) / bucket_count();  // rounded up
    const uint64_t within = (rest + (uint64_t{1} << depth) - 1) >> depth;
    return first_tag(tag) + static_cast<uint32_t>(within);
  }
  [[nodiscard]] uint32_t first_tag(uint32_t tag) const { return tag & ~((Slot::kTagCount >> depth) - 1); }
  [[nodiscard]] uint32_t end_tag(uint32_t tag) const { return first_tag(tag) + (Slot::kTagCount >> depth); }

  // As a directory entry, and back; `memory` is the index's.
  [[nodiscard]] uint32_t encoded() const {
    return (first_unit << (kEntryUnitsBits + kEntryDepthBits)) | ((units - 1) << kEntryDepthBits) |
           static_cast<uint32_t>(depth);
  }
  [[nodiscard]] static Page decoded(uint32_t entry, const IndexMemory& memory, uint64_t generation_bits) {
    const uint32_t first_unit = entry >> (kEntryUnitsBits + kEntryDepthBits);
    return {.first_unit = first_unit,
            .units = ((entry >> kEntryDepthBits) & (kPageUnitsMax - 1)) + 1,
            .depth = static_cast<int>(entry & ((1u << kEntryDepthBits) - 1)),
            .buckets = reinterpret_cast<Bucket*>(memory.at(first_unit)),
            .generation = generation_bits};
  }
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_PAGE_H_
