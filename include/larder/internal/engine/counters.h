// The cache's statistics: one list of counters, spread over cache lines so that threads do not fight for them.
#ifndef LARDER_INTERNAL_ENGINE_COUNTERS_H_
#define LARDER_INTERNAL_ENGINE_COUNTERS_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/thread_number.h"
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

// Thread-safe. Relaxed but for reset_at_ and the blocks' addresses: statistics; nothing else is read on the
// strength of them.
//
// A locked instruction would hold up all that the processor has in flight, and a lookup lives on having several in
// flight: so each thread counts with plain loads and stores in a block that only it writes, the one of its number.
// The thread that gets the number of one that has ended goes on in its block (thread_number.h orders the two). A
// thread that has no number, or for whose block there is no memory, counts in one that all such threads share, with
// locked additions: counting never fails.
class Counters {
 public:
  Counters() : first_(std::make_unique<Block[]>(kFirstBlocks)) {}
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;
  ~Counters() {
    for (const auto& more : more_) delete[] more.load(std::memory_order_relaxed);
  }

  // Charges to `account` what it takes, and what it will take for more threads. To be called once, before it is
  // used.
  void charge_to(Account& account) {
    account_ = &account;
    account.charge(Use::kOther, kFirstBlocks * sizeof(Block));
  }

  void add(Counter counter, uint64_t n = 1) {
    const size_t number = thread_number();
    if (number != 0 && number < kFirstBlocks) [[likely]]
      return add_alone(first_[number], counter, n);
    Block* const block = number != 0 ? block_of_many(number) : nullptr;
    if (block != nullptr) return add_alone(*block, counter, n);
    first_[0].values[index(counter)].fetch_add(n);
  }

  [[nodiscard]] uint64_t sum(Counter counter) const {
    // Acquire, and first: the values that it is the sum of cannot be read as they were before.
    const uint64_t at_reset = reset_at_[index(counter)].load(std::memory_order_acquire);
    return total(counter) - at_reset;
  }

  // Blocks are written by their owners alone: what was counted before is subtracted from now on.
  void reset() {
    for (size_t i = 0; i < reset_at_.size(); ++i) {
      reset_at_[i].store(total(static_cast<Counter>(i)), std::memory_order_release);
    }
  }

 private:
  static constexpr size_t kFirstBlocks = 16;
  // For so many threads there is a block each in any case, if there is memory, and for more in a share of the
  // limit.
  static constexpr size_t kBlocksMin = 64;
  static constexpr size_t kShareOfLimit = 512;
  static constexpr size_t kMoreMax = std::bit_width(kThreadNumberMax / kFirstBlocks);

  template <class Value>
  using PerCounter = std::array<Value, static_cast<size_t>(Counter::kCount)>;
  struct alignas(64) Block {
    PerCounter<RelaxedAtomic<uint64_t>> values{};
  };

  static constexpr size_t index(Counter counter) { return static_cast<size_t>(counter); }
  // As many as there are before: more_[0] has the blocks 16..31, more_[1] the blocks 32..63.
  static constexpr size_t blocks_in(size_t more) { return kFirstBlocks << more; }

  static void add_alone(Block& block, Counter counter, uint64_t n) {
    RelaxedAtomic<uint64_t>& value = block.values[index(counter)];
    value.store(value.load() + n);
  }

  // None if there is no memory for it, or none to spare.
  [[nodiscard]] Block* block_of_many(size_t number) {
    const auto i = static_cast<size_t>(std::bit_width(number / kFirstBlocks)) - 1;
    // Acquire: for the zeros in it.
    Block* blocks = more_[i].load(std::memory_order_acquire);
    if (blocks == nullptr) [[unlikely]]
      blocks = make_more(i);
    return blocks != nullptr ? &blocks[number - blocks_in(i)] : nullptr;
  }

  [[nodiscard]] Block* make_more(size_t i) {
    const size_t bytes = blocks_in(i) * sizeof(Block);
    if (account_ != nullptr) {
      const bool is_much = 2 * blocks_in(i) > kBlocksMin && 2 * bytes > account_->limit() / kShareOfLimit;
      if (is_much || !account_->try_charge(Use::kOther, bytes)) return nullptr;
    }
    std::unique_ptr<Block[]> made(new (std::nothrow) Block[blocks_in(i)]);
    Block* blocks = nullptr;
    if (made != nullptr && more_[i].compare_exchange_strong(blocks, made.get(), std::memory_order_acq_rel)) {
      return made.release();
    }
    if (account_ != nullptr) account_->release(Use::kOther, bytes);
    return blocks;
  }

  [[nodiscard]] uint64_t total(Counter counter) const {
    uint64_t total = total_of(first_.get(), kFirstBlocks, counter);
    for (size_t i = 0; i < more_.size(); ++i) {
      const Block* const blocks = more_[i].load(std::memory_order_acquire);
      if (blocks != nullptr) total += total_of(blocks, blocks_in(i), counter);
    }
    return total;
  }
  [[nodiscard]] static uint64_t total_of(const Block* blocks, size_t count, Counter counter) {
    uint64_t total = 0;
    for (size_t i = 0; i < count; ++i) total += blocks[i].values[index(counter)].load();
    return total;
  }

  const std::unique_ptr<Block[]> first_;
  std::array<OrderedAtomic<Block*>, kMoreMax> more_{};  // made when a thread first needs them
  Account* account_ = nullptr;
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
