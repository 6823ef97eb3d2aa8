// Memory for the pages of the index: runs of one to four units of 4 KiB.
//
// From a limit of 1 GiB on, units come in blocks of one huge page each, which are charged for and given back as a
// whole: a search then finds its bucket with fewer steps through the processor's page tables. Below, every page of
// the system (page_size.h) is charged for and given back by itself: where those have 4 KiB, every unit.
//
// A run is given out where the lowest of the blocks in use has room for it. Pages that change their size move to
// lower places, if there are any, so that the last blocks fall empty when the index shrinks.
//
// A unit is given out as its last user left it, or as zeros. Pages leave it without slots.
#ifndef LARDER_INTERNAL_INDEX_INDEX_MEMORY_H_
#define LARDER_INTERNAL_INDEX_INDEX_MEMORY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "larder/internal/base/account.h"
#include "larder/internal/base/address_space.h"
#include "larder/internal/base/arena.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {

// Thread-safe.
class IndexMemory {
 public:
  static constexpr size_t kUnitBytes = 4096;
  static constexpr uint32_t kRunUnitsMax = 4;
  static constexpr size_t kUnitsMax = size_t{1} << 26;  // as far as a directory entry of the index can count

  // Takes its parts of the address space. The account's limit decides whether there are blocks.
  IndexMemory(Account& account, AddressSpace& space);
  [[nodiscard]] static size_t address_bytes(const Extent& extent, size_t limit_bytes);

  [[nodiscard]] std::byte* at(uint32_t unit) const { return units_.at(unit * kUnitBytes); }
  // A number for the one who uses a run, by its first unit; 0 if it was never written.
  [[nodiscard]] uint16_t& note_of(uint32_t unit) const {
    return *reinterpret_cast<uint16_t*>(notes_.at(unit * sizeof(uint16_t)));
  }

  static constexpr uint32_t kAnywhere = std::numeric_limits<uint32_t>::max();
  // The first of `count` units in a row, below `end`. None if the account has no room for them; with an `end`, also
  // if no block in use has, or there are no blocks: then nothing is to be gained.
  [[nodiscard]] std::optional<uint32_t> allocate(uint32_t count, uint32_t end = kAnywhere)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Gives back units of a run that allocate gave, all or the last ones.
  void free(uint32_t first, uint32_t count) ABSL_LOCKS_EXCLUDED(mutex_);

  // Gives back a block in which nothing is used, if one was kept.
  [[nodiscard]] bool release_empty_block() ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether there seems to be room for so many runs of any length.
  [[nodiscard]] bool has_room_for(size_t runs) const ABSL_LOCKS_EXCLUDED(mutex_);
  // What is charged for and given back at once, if anything in it is used.
  [[nodiscard]] size_t grain_bytes() const { return grain_units_ * kUnitBytes; }
  // The most that so many runs can have to be charged.
  [[nodiscard]] size_t charge_max(size_t runs) const {
    if (has_blocks_) return grain_bytes();
    if (grain_units_ >= kRunUnitsMax) return runs * grain_bytes();
    return runs * round_up((kRunUnitsMax + grain_units_ - 1) * kUnitBytes, grain_bytes());
  }
  // Whether any run can still be had, if the account has room: the address space may be used up, or the system
  // grant no more memory.
  [[nodiscard]] bool can_grow() ABSL_LOCKS_EXCLUDED(mutex_);
  [[nodiscard]] uint64_t units_used() const { return units_used_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kUnitsPerBlock = kHugePageBytes / kUnitBytes;
  static constexpr uint32_t kUnitsPerWord = 64;
  static_assert(kUnitBytes * kUnitsPerWord >= size_t{64} << 10, "a page of the system is a part of a word");

  // A bit for each unit that is used. A run does not go from one word to the next, nor from one grain to the next
  // if those are long enough.
  using Block = std::array<uint64_t, kUnitsPerBlock / kUnitsPerWord>;
  // Blocks in use are told apart by the longest run of free units in them, at most kRunUnitsMax; and empty ones.
  static constexpr size_t kEmpty = kRunUnitsMax + 1;
  // Numbers of blocks. Moving one from one set to another takes no memory.
  using BlockSet = std::set<uint32_t>;

  [[nodiscard]] std::optional<uint32_t> find_run(const Block& block, uint32_t count) const;
  [[nodiscard]] size_t kind_of(const Block& block) const;
  [[nodiscard]] std::optional<uint32_t> lowest_block_with(uint32_t count) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] bool make_block() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] std::optional<uint32_t> begin_block() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One that is empty.
  void end_block() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Marks units as used that were not, or the other way round.
  void mark(uint32_t first, uint32_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Calls visit(first unit of the grain) for each grain with some of these units, if nothing in it is used.
  template <class Visit>
  void for_each_unused_grain(uint32_t first, uint32_t count, Visit&& visit) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Account& account_;
  // Both are written under the mutex, and only to make more of them writable.
  Arena notes_;
  Arena units_;
  const bool has_blocks_;
  const uint32_t grain_units_;

  // On cache lines of their own: every search reads what is above.
  alignas(64) std::atomic<uint64_t> units_used_{0};  // written under the mutex; relaxed: a number for people

  mutable Mutex mutex_;
  std::vector<Block> blocks_ ABSL_GUARDED_BY(mutex_);
  std::array<BlockSet, kEmpty + 1> in_use_ ABSL_GUARDED_BY(mutex_);
  BlockSet unused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_INDEX_MEMORY_H_
