// Memory for the pages of the index: runs of one to four units of 4 KiB.
//
// From a limit of 1 GiB, units come in blocks of one huge page each, which are charged and given back whole: a
// search then finds its bucket with fewer steps through the processor's page tables. Below that, every page of the
// system (page_size.h) is charged and given back by itself: where it has 4 KiB, every unit.
//
// A run is allocated in the lowest used block that has room for it. Pages that change size move to lower addresses
// where possible, so that the last blocks become empty when the index shrinks.
//
// A unit contains what its last user left, or zeros. A page that gives its units up leaves no slots in them.
#ifndef LARDER_INTERNAL_INDEX_INDEX_MEMORY_H_
#define LARDER_INTERNAL_INDEX_INDEX_MEMORY_H_

#include <array>
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
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {

// Thread-safe.
class IndexMemory {
 public:
  static constexpr size_t kUnitBytes = 4096;
  static constexpr uint32_t kRunUnitsMax = 4;
  static constexpr size_t kUnitsMax = size_t{1} << 26;  // the most that a directory entry of the index can number

  // Takes its parts of the address space. The account's limit decides whether there are blocks.
  IndexMemory(Account& account, AddressSpace& space);
  [[nodiscard]] static size_t address_bytes(const Extent& extent, size_t limit_bytes);

  [[nodiscard]] std::byte* at(uint32_t unit) const { return units_.at(unit * kUnitBytes); }
  // A number that the user of a run may keep, by its first unit; 0 if it was never written.
  [[nodiscard]] uint16_t& note_of(uint32_t unit) const {
    return *reinterpret_cast<uint16_t*>(notes_.at(unit * sizeof(uint16_t)));
  }

  static constexpr uint32_t kAnywhere = std::numeric_limits<uint32_t>::max();
  // The first of `count` contiguous units below `end`. None if the account has no room for them. With an `end`,
  // also none if no used block has room, or if there are no blocks: moving would then gain nothing.
  [[nodiscard]] std::optional<uint32_t> allocate(uint32_t count, uint32_t end = kAnywhere)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Frees units of a run that allocate returned: all of them, or the last ones.
  void free(uint32_t first, uint32_t count) ABSL_LOCKS_EXCLUDED(mutex_);

  // Gives back an empty block or a spare grain, if one was kept.
  [[nodiscard]] bool release_spare() ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether there seems to be room for `runs` runs of any length.
  [[nodiscard]] bool has_room_for(size_t runs) const ABSL_LOCKS_EXCLUDED(mutex_);
  // The unit of charging: charged if anything in it is used, and given back as a whole.
  [[nodiscard]] size_t grain_bytes() const { return grain_units_ * kUnitBytes; }
  // The most that may have to be charged for `runs` runs.
  [[nodiscard]] size_t charge_max(size_t runs) const {
    if (has_blocks_) return grain_bytes();
    if (grain_units_ >= kRunUnitsMax) return runs * grain_bytes();
    return runs * round_up((kRunUnitsMax + grain_units_ - 1) * kUnitBytes, grain_bytes());
  }
  // Whether any run can still be allocated if the account has room: the address space may be used up, or the
  // system may refuse memory.
  [[nodiscard]] bool can_grow() ABSL_LOCKS_EXCLUDED(mutex_);
  [[nodiscard]] uint64_t units_used() const { return units_used_.load(); }

 private:
  static constexpr uint32_t kUnitsPerBlock = kHugePageBytes / kUnitBytes;
  static constexpr uint32_t kUnitsPerWord = 64;
  static_assert(kUnitBytes * kUnitsPerWord >= size_t{64} << 10, "a page of the system is a part of a word");

  // A bit for each used unit. A run does not cross from one word to the next, nor from one grain to the next if
  // those are long enough.
  using Block = std::array<uint64_t, kUnitsPerBlock / kUnitsPerWord>;
  // Used blocks are grouped by the longest run of free units in them, at most kRunUnitsMax; and empty ones.
  static constexpr size_t kEmpty = kRunUnitsMax + 1;
  // Numbers of blocks. Moving a number from one set to another allocates nothing.
  using BlockSet = std::set<uint32_t>;

  [[nodiscard]] std::optional<uint32_t> find_run(const Block& block, uint32_t count) const;
  [[nodiscard]] size_t kind_of(const Block& block) const;
  [[nodiscard]] std::optional<uint32_t> lowest_block_with(uint32_t count) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] bool make_block() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] std::optional<uint32_t> begin_block() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends an empty block.
  void end_block() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Without blocks, grains that are unused but still charged are kept for the next pages, up to this number: pages
  // shrink and grow all the time, and what is given back to the system is slow to give up and to get again.
  [[nodiscard]] size_t spare_max() const;
  [[nodiscard]] bool is_spare(uint32_t grain) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Marks free units as used, or used ones as free.
  void mark(uint32_t first, uint32_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Calls visit(first unit of the grain) for each grain that has some of these units, if nothing in it is used.
  template <class Visit>
  void for_each_unused_grain(uint32_t first, uint32_t count, Visit&& visit) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Account& account_;
  // Both are changed under the mutex, and only to make more of them writable.
  Arena notes_;
  Arena units_;
  const bool has_blocks_;
  const uint32_t grain_units_;

  // On other cache lines than the above, which every search reads.
  alignas(64) RelaxedAtomic<uint64_t> units_used_{0};  // written under the mutex; for statistics

  mutable Mutex mutex_ ABSL_ACQUIRED_AFTER(lock_order::kLog) ABSL_ACQUIRED_BEFORE(lock_order::kRemovals);
  std::vector<Block> blocks_ ABSL_GUARDED_BY(mutex_);
  std::array<BlockSet, kEmpty + 1> in_use_ ABSL_GUARDED_BY(mutex_);
  BlockSet unused_ ABSL_GUARDED_BY(mutex_);
  static constexpr size_t kSpareMax = 64;
  std::vector<uint32_t> spare_ ABSL_GUARDED_BY(mutex_);  // first units of grains
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_INDEX_MEMORY_H_
