#ifndef LARDER_INTERNAL_INDEX_INDEX_MEMORY_INL_H_
#define LARDER_INTERNAL_INDEX_INDEX_MEMORY_INL_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <span>

#include "larder/api.h"
#include "larder/internal/index/index_memory.h"

namespace larder::internal {

// With this many blocks in the limit, a few that are not full do not matter.
inline constexpr size_t kBlocksPerLimit = 512;
// An empty block is kept while the others have fewer free units than this: it would be needed again soon.
inline constexpr size_t kSpareUnits = 64;
// Spare grains take no more than this part of the limit.
inline constexpr size_t kSpareUnitsDivisor = 2048;

// All units could be charged at once, in whole blocks.
inline size_t units_bytes(const Extent& extent) {
  return std::min(round_up(extent.limit_bytes, kHugePageBytes), IndexMemory::kUnitsMax * IndexMemory::kUnitBytes);
}
inline size_t notes_bytes(const Extent& extent) {
  return units_bytes(extent) / IndexMemory::kUnitBytes * sizeof(uint16_t);
}

inline bool has_blocks(size_t limit_bytes) { return limit_bytes / kBlocksPerLimit >= kHugePageBytes; }

LARDER_INLINE size_t IndexMemory::address_bytes(const Extent& extent, size_t limit_bytes) {
  return AddressSpace::bytes_to_take(notes_bytes(extent)) +
         AddressSpace::bytes_to_take(units_bytes(extent), has_blocks(limit_bytes));
}

LARDER_INLINE IndexMemory::IndexMemory(Account& account, AddressSpace& space)
    : account_(account),
      notes_(space.take(notes_bytes(space.extent()))),
      units_(space.take(units_bytes(space.extent()), has_blocks(account.limit()))),
      has_blocks_(has_blocks(account.limit())),
      grain_units_(has_blocks_ ? kUnitsPerBlock
                               : static_cast<uint32_t>(round_up(os_page_bytes(), kUnitBytes) / kUnitBytes)) {
  assert(has_blocks_ || kUnitsPerWord % grain_units_ == 0);
  if (has_blocks_) units_.allow_huge_pages(0, units_.bytes());
  spare_.reserve(kSpareMax + kRunUnitsMax);
}

LARDER_INLINE std::optional<uint32_t> IndexMemory::find_run(const Block& block, uint32_t count) const {
  // A bit for each unit of a word where a run may start.
  uint64_t allowed = ~uint64_t{0};
  if (grain_units_ >= kRunUnitsMax && !has_blocks_) {
    allowed = 0;
    for (uint32_t unit = 0; unit < kUnitsPerWord; unit += grain_units_) {
      allowed |= ((uint64_t{1} << (grain_units_ - count + 1)) - 1) << unit;
    }
  }
  for (uint32_t word = 0; word < block.size(); ++word) {
    // A bit for each unit where a run of free units starts.
    uint64_t begins = allowed & ~block[word];
    for (uint32_t i = 1; i < count; ++i) begins &= ~block[word] >> i;
    if (begins != 0) return word * kUnitsPerWord + static_cast<uint32_t>(std::countr_zero(begins));
  }
  return std::nullopt;
}

LARDER_INLINE size_t IndexMemory::kind_of(const Block& block) const {
  if (block == Block()) return kEmpty;
  uint32_t run = kRunUnitsMax;
  while (run > 0 && !find_run(block, run)) --run;
  return run;
}

LARDER_INLINE std::optional<uint32_t> IndexMemory::lowest_block_with(uint32_t count) const {
  std::optional<uint32_t> lowest;
  for (size_t kind = count; kind < in_use_.size(); ++kind) {
    if (in_use_[kind].empty()) continue;
    const uint32_t first = *in_use_[kind].begin();
    lowest = std::min(lowest.value_or(first), first);
  }
  return lowest;
}

// Makes another block, which is unused; false if there is none.
LARDER_INLINE bool IndexMemory::make_block() {
  const size_t number = blocks_.size();
  constexpr size_t kNotesBytes = kUnitsPerBlock * sizeof(uint16_t);
  if ((number + 1) * kHugePageBytes > units_.bytes()) return false;
  if (!units_.make_writable(number * kHugePageBytes, kHugePageBytes)) return false;
  if (!notes_.make_writable(number * kNotesBytes, kNotesBytes)) return false;
  BlockSet made = {static_cast<uint32_t>(number)};
  blocks_.push_back({});
  unused_.merge(made);
  return true;
}

LARDER_INLINE std::optional<uint32_t> IndexMemory::begin_block() {
  if (unused_.empty() && !make_block()) return std::nullopt;
  if (has_blocks_ && !account_.try_charge(Use::kIndex, kHugePageBytes)) return std::nullopt;
  const uint32_t number = *unused_.begin();
  in_use_[kEmpty].insert(unused_.extract(number));
  return number;
}

LARDER_INLINE void IndexMemory::end_block() {
  const uint32_t number = *in_use_[kEmpty].rbegin();
  unused_.insert(in_use_[kEmpty].extract(number));
  units_.discard(number * kHugePageBytes, kHugePageBytes);
  account_.release(Use::kIndex, kHugePageBytes);
}

LARDER_INLINE void IndexMemory::mark(uint32_t first, uint32_t count) {
  const uint32_t number = first / kUnitsPerBlock;
  Block& block = blocks_[number];
  const size_t old_kind = kind_of(block);
  block[first % kUnitsPerBlock / kUnitsPerWord] ^= ((uint64_t{1} << count) - 1) << first % kUnitsPerWord;
  if (const size_t kind = kind_of(block); kind != old_kind) in_use_[kind].insert(in_use_[old_kind].extract(number));
}

template <class Visit>
LARDER_INLINE void IndexMemory::for_each_unused_grain(uint32_t first, uint32_t count, Visit&& visit) const {
  const uint64_t grain = (uint64_t{1} << grain_units_) - 1;
  for (uint32_t unit = first / grain_units_ * grain_units_; unit < first + count; unit += grain_units_) {
    const uint64_t word = blocks_[unit / kUnitsPerBlock][unit % kUnitsPerBlock / kUnitsPerWord];
    if ((word >> unit % kUnitsPerWord & grain) == 0) visit(unit);
  }
}

LARDER_INLINE std::optional<uint32_t> IndexMemory::allocate(uint32_t count, uint32_t end) {
  assert(count >= 1 && count <= kRunUnitsMax);
  if (end != kAnywhere && !has_blocks_) return std::nullopt;
  const MutexLock lock(mutex_);
  std::optional<uint32_t> number = lowest_block_with(count);
  if (!number && end == kAnywhere) number = begin_block();
  if (!number) return std::nullopt;
  const uint32_t first = *number * kUnitsPerBlock + find_run(blocks_[*number], count).value();
  if (first + count > end) return std::nullopt;
  if (!has_blocks_) {
    size_t bytes = 0;
    for_each_unused_grain(first, count, [&](uint32_t grain) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      if (!is_spare(grain)) bytes += grain_bytes();
    });
    if (!account_.try_charge(Use::kIndex, bytes)) return std::nullopt;
    for_each_unused_grain(first, count,
                          [&](uint32_t grain) ABSL_NO_THREAD_SAFETY_ANALYSIS { std::erase(spare_, grain); });
  }
  mark(first, count);
  units_used_.fetch_add(count);
  return first;
}

LARDER_INLINE void IndexMemory::free(uint32_t first, uint32_t count) {
  std::array<uint32_t, kSpareMax + kRunUnitsMax> surplus;
  size_t surplus_count = 0;
  {
    const MutexLock lock(mutex_);
    mark(first, count);
    units_used_.fetch_sub(count);
    if (has_blocks_) {
      const size_t others = blocks_.size() - unused_.size() - 1;
      if (!in_use_[kEmpty].empty() && others * kUnitsPerBlock >= units_used() + kSpareUnits) end_block();
      return;
    }
    for_each_unused_grain(first, count,
                          [&](uint32_t grain) ABSL_NO_THREAD_SAFETY_ANALYSIS { spare_.push_back(grain); });
    if (spare_.size() <= spare_max()) return;
    while (spare_.size() > spare_max() / 2) {
      surplus[surplus_count++] = spare_.back();
      spare_.pop_back();
    }
    // Nobody gets them meanwhile.
    for (const uint32_t grain : std::span(surplus).first(surplus_count)) mark(grain, grain_units_);
  }
  for (const uint32_t grain : std::span(surplus).first(surplus_count)) {
    units_.discard(grain * kUnitBytes, grain_bytes());
  }
  const MutexLock lock(mutex_);
  for (const uint32_t grain : std::span(surplus).first(surplus_count)) {
    mark(grain, grain_units_);
    account_.release(Use::kIndex, grain_bytes());
  }
}

LARDER_INLINE size_t IndexMemory::spare_max() const {
  return std::min(account_.limit() / kSpareUnitsDivisor / grain_bytes(), kSpareMax);
}

LARDER_INLINE bool IndexMemory::is_spare(uint32_t grain) const {
  return std::ranges::find(spare_, grain) != spare_.end();
}

LARDER_INLINE bool IndexMemory::release_spare() {
  const MutexLock lock(mutex_);
  if (has_blocks_ ? in_use_[kEmpty].empty() : spare_.empty()) return false;
  if (has_blocks_) {
    end_block();
    return true;
  }
  units_.discard(spare_.back() * kUnitBytes, grain_bytes());
  account_.release(Use::kIndex, grain_bytes());
  spare_.pop_back();
  return true;
}

LARDER_INLINE bool IndexMemory::has_room_for(size_t runs) const {
  const MutexLock lock(mutex_);
  if (has_blocks_ && lowest_block_with(kRunUnitsMax)) return true;
  return account_.headroom() >= charge_max(runs);
}

LARDER_INLINE bool IndexMemory::can_grow() {
  const MutexLock lock(mutex_);
  return lowest_block_with(kRunUnitsMax) || !unused_.empty() || make_block();
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_INDEX_MEMORY_INL_H_
