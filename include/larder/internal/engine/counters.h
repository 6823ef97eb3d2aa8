// The cache's statistics: one list of counters, spread over cache lines so that threads do not fight for them.
#ifndef LARDER_INTERNAL_ENGINE_COUNTERS_H_
#define LARDER_INTERNAL_ENGINE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/per_thread.h"
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
  kExpiredInUpkeep,
  kGhostHits,
  kItemsPromoted,
  kItemsMoved,
  kSegmentsCleaned,
  kHandlesCopied,
  kCount,
};

// Thread-safe. Relaxed but for reset_at_: statistics; nothing else is read on the strength of them.
//
// A locked instruction would hold up all that the processor has in flight, and a lookup lives on having several in
// flight: so each thread counts with plain loads and stores in a block that only it writes. A thread that has none
// counts in one that all such threads share, with locked additions: counting never fails.
class Counters {
 public:
  // Charges to `account` what it takes, and what it will take for more threads. To be called once, before it is
  // used.
  void charge_to(Account& account) { blocks_.charge_to(account, Use::kOther); }

  void add(Counter counter, uint64_t n = 1) {
    if (Block* const block = blocks_.own(); block != nullptr) [[likely]] {
      RelaxedAtomic<uint64_t>& value = block->values[index(counter)];
      value.store(value.load() + n);
    } else {
      blocks_.of_none().values[index(counter)].fetch_add(n);
    }
  }

  // Counts one request more, of whatever kind. Whether it is to be drawn for hot keys: if so, say how many of the
  // next ones are not.
  [[nodiscard]] bool draw() {
    Block* const block = blocks_.own();
    return block != nullptr && count_down(*block);
  }
  // Both at once.
  [[nodiscard]] bool add_and_draw(Counter counter) {
    Block* const block = blocks_.own();
    if (block == nullptr) [[unlikely]] {
      add(counter);
      return false;
    }
    RelaxedAtomic<uint64_t>& value = block->values[index(counter)];
    value.store(value.load() + 1);
    return count_down(*block);
  }
  void pass_over(uint32_t requests) {
    if (Block* const block = blocks_.own(); block != nullptr) block->undrawn_requests.store(requests);
  }

  [[nodiscard]] uint64_t sum(Counter counter) const {
    // Acquire, and first: the values that it is the sum of cannot be read as they were before.
    const uint64_t at_reset = reset_at_[index(counter)].load(std::memory_order_acquire);
    return total(counter) - at_reset;
  }
  // Whatever was reset.
  [[nodiscard]] uint64_t total(Counter counter) const {
    uint64_t total = 0;
    blocks_.for_each([&](const Block& block) { total += block.values[index(counter)].load(); });
    return total;
  }

  // Blocks are written by their owners alone: what was counted before is subtracted from now on.
  void reset() {
    for (size_t i = 0; i < reset_at_.size(); ++i) {
      reset_at_[i].store(total(static_cast<Counter>(i)), std::memory_order_release);
    }
  }

 private:
  template <class Value>
  using PerCounter = std::array<Value, static_cast<size_t>(Counter::kCount)>;
  struct alignas(64) Block {
    // How many more until the next one is drawn. Here, since a get writes to this line in any case.
    RelaxedAtomic<uint32_t> undrawn_requests{};
    PerCounter<RelaxedAtomic<uint64_t>> values{};
  };

  static bool count_down(Block& block) {
    const uint32_t left = block.undrawn_requests.load();
    block.undrawn_requests.store(left - 1);
    return left == 0;
  }
  static constexpr size_t index(Counter counter) { return static_cast<size_t>(counter); }

  PerThread<Block, 16> blocks_;
  PerCounter<OrderedAtomic<uint64_t>> reset_at_{};
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

#endif  // LARDER_INTERNAL_ENGINE_COUNTERS_H_
