// The cache's statistics: one list of counters, spread over cache lines so that threads do not fight for them.
#ifndef LARDER_INTERNAL_COUNTERS_H_
#define LARDER_INTERNAL_COUNTERS_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

namespace larder::internal {

enum class Counter : uint8_t {
  kGetHits,
  kGetMisses,
  kGetExpired,
  kGetFlushed,
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
  kExpired,
  kExpiredUnfetched,
  kGhostHits,
  kItemsPromoted,
  kItemsMoved,
  kSegmentsCleaned,
  kCount,
};

// Thread-safe. Relaxed throughout: statistics; nothing else is read on the strength of them.
class Counters {
 public:
  Counters() : blocks_(std::make_unique<Block[]>(kBlocks)) {}

  void add(Counter counter, uint64_t n = 1) {
    block_of_this_thread().values[index(counter)].fetch_add(n, std::memory_order_relaxed);
  }

  [[nodiscard]] uint64_t sum(Counter counter) const {
    uint64_t total = 0;
    for (size_t i = 0; i < kBlocks; ++i) total += blocks_[i].values[index(counter)].load(std::memory_order_relaxed);
    return total;
  }

  void reset() {
    for (size_t i = 0; i < kBlocks; ++i) {
      for (auto& value : blocks_[i].values) value.store(0, std::memory_order_relaxed);
    }
  }

  [[nodiscard]] static constexpr size_t bytes() { return kBlocks * sizeof(Block); }

 private:
  static constexpr size_t kBlocks = 64;

  struct alignas(64) Block {
    std::array<std::atomic<uint64_t>, static_cast<size_t>(Counter::kCount)> values{};
  };

  static constexpr size_t index(Counter counter) { return static_cast<size_t>(counter); }

  // Two threads may share a block; they then share its cache lines and stay correct.
  [[nodiscard]] Block& block_of_this_thread() {
    const uint64_t id = std::hash<std::thread::id>{}(std::this_thread::get_id());
    return blocks_[(id * 0x9e3779b97f4a7c15u) >> (64 - std::bit_width(kBlocks - 1))];
  }

  const std::unique_ptr<Block[]> blocks_;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COUNTERS_H_
