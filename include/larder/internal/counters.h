// The cache's statistics: one list of counters, spread over cache lines so that threads do not fight for them.
#ifndef LARDER_INTERNAL_COUNTERS_H_
#define LARDER_INTERNAL_COUNTERS_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

#include "larder/removal_listener.h"

namespace larder::internal {

enum class Counter : uint8_t {
  kGetHits,
  kGetMisses,
  kGetExpired,
  kGetFlushed,
  kGetEvicted,
  kVivified,
  kTouchHits,
  kTouchMisses,
  kStores,
  kStoreTooLarge,
  kStoreNoMemory,
  kCasHits,
  kCasMisses,
  kCasBadval,
  kIncrHits,
  kIncrMisses,
  kDecrHits,
  kDecrMisses,
  kEraseHits,
  kEraseMisses,
  kFlushes,
  kItemsStored,
  kEvictions,
  kEvictedUnfetched,
  kEvictedActive,
  kEvictedForced,
  kRemovalsUntold,
  kExpired,
  kExpiredUnfetched,
  kGhostHits,
  kItemsPromoted,
  kItemsMoved,
  kSegmentsCleaned,
  kHandlesCopied,
  kCount,
};

// Thread-safe. Relaxed throughout: statistics; nothing else is read on the strength of them.
//
// A locked instruction would hold up all that the processor has in flight, and a lookup lives on having several in
// flight: so each thread counts with plain loads and stores in a block that only it writes. It owns the block that
// carries its id. Ids are unique among the threads that live; a new thread that gets the id of a dead one goes on
// in its block, and the C library, which handed the id on, has ordered the two. Threads that find no block free
// share the last one, with locked additions.
class Counters {
 public:
  Counters() : blocks_(std::make_unique<Block[]>(kBlocks)) {}

  void add(Counter counter, uint64_t n = 1) {
    const uint64_t self = id_of_this_thread();
    Block& likely = blocks_[home(self)];
    if (likely.owner.load(std::memory_order_relaxed) == self) [[likely]] {
      add_alone(likely, counter, n);
    } else {
      add_elsewhere(self, counter, n);
    }
  }

  [[nodiscard]] uint64_t sum(Counter counter) const {
    return total(counter) - reset_at_[index(counter)].load(std::memory_order_relaxed);
  }

  // Blocks are written by their owners alone: what was counted before is subtracted from now on.
  void reset() {
    for (size_t i = 0; i < reset_at_.size(); ++i) {
      reset_at_[i].store(total(static_cast<Counter>(i)), std::memory_order_relaxed);
    }
  }

  [[nodiscard]] static constexpr size_t bytes() { return kBlocks * sizeof(Block); }

 private:
  static constexpr size_t kOwnedBlocks = 64;
  static constexpr size_t kBlocks = kOwnedBlocks + 1;
  using Values = std::array<std::atomic<uint64_t>, static_cast<size_t>(Counter::kCount)>;

  struct alignas(64) Block {
    std::atomic<uint64_t> owner{0};  // the id of a thread; 0: none yet
    Values values{};
  };

  static constexpr size_t index(Counter counter) { return static_cast<size_t>(counter); }
  static uint64_t id_of_this_thread() {
    static_assert(sizeof(std::thread::id) == sizeof(uint64_t));
    return std::bit_cast<uint64_t>(std::this_thread::get_id());
  }
  static size_t home(uint64_t id) { return (id * 0x9e3779b97f4a7c15u) >> (64 - std::countr_zero(kOwnedBlocks)); }

  static void add_alone(Block& block, Counter counter, uint64_t n) {
    std::atomic<uint64_t>& value = block.values[index(counter)];
    value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  // Finds this thread's block, or takes one.
  void add_elsewhere(uint64_t self, Counter counter, uint64_t n) {
    for (size_t i = 0; i < kOwnedBlocks; ++i) {
      Block& block = blocks_[(home(self) + i) % kOwnedBlocks];
      uint64_t owner = block.owner.load(std::memory_order_relaxed);
      if (owner == 0 && block.owner.compare_exchange_strong(owner, self, std::memory_order_relaxed)) owner = self;
      if (owner == self) return add_alone(block, counter, n);
    }
    blocks_[kOwnedBlocks].values[index(counter)].fetch_add(n, std::memory_order_relaxed);
  }

  [[nodiscard]] uint64_t total(Counter counter) const {
    uint64_t total = 0;
    for (size_t i = 0; i < kBlocks; ++i) total += blocks_[i].values[index(counter)].load(std::memory_order_relaxed);
    return total;
  }

  const std::unique_ptr<Block[]> blocks_;
  Values reset_at_{};
};

// Counts an item that the cache has removed by itself. What is flushed counts for its flush alone.
inline void count_removal(Counters& counters, Removal why, bool was_read) {
  if (why == Removal::kExpired) {
    counters.add(Counter::kExpired);
    if (!was_read) counters.add(Counter::kExpiredUnfetched);
  } else if (why == Removal::kEvicted) {
    counters.add(Counter::kEvictions);
    counters.add(was_read ? Counter::kEvictedActive : Counter::kEvictedUnfetched);
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COUNTERS_H_
