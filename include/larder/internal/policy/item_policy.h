// The eviction policy (s3fifo.h, loop.h) for items one by one instead of by segments: for miniatures of the cache
// (curve/miniature.h), and for objects (objects/object_queues.h). Who has the items keeps them in two chains, in order.
//
// Weights are whatever the capacity is counted in: bytes, or items.
#ifndef LARDER_INTERNAL_POLICY_ITEM_POLICY_H_
#define LARDER_INTERNAL_POLICY_ITEM_POLICY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "larder/internal/policy/ghost_entry.h"
#include "larder/internal/policy/loop.h"
#include "larder/internal/policy/s3fifo.h"
#include "larder/internal/segments/segment.h"

namespace larder::internal {

// Of keys in a sample, the low half of the hash is small.
[[nodiscard]] constexpr uint32_t mixed(uint64_t hash) {
  return static_cast<uint32_t>((hash * 0x9e3779b97f4a7c15u) >> 32);
}

// What went from the small chain: see ghost.h. For one thread at a time.
class ItemGhost {
 public:
  // Remembers about so many.
  explicit ItemGhost(size_t entries);
  [[nodiscard]] static size_t bytes_for(size_t entries) { return size_for(entries) * sizeof(uint32_t); }

  void add(uint64_t hash, uint64_t weight, uint64_t capacity);
  // Whether it is there; it is forgotten.
  bool take(uint64_t hash);
  // Counts up by kGhostEpochs while as much as the capacity is evicted.
  [[nodiscard]] uint32_t epoch() const { return epoch_; }
  // Makes room for as many more, if there are fewer than that; all entries are forgotten then.
  void grow(size_t entries);

 private:
  static constexpr size_t kWays = 8;
  [[nodiscard]] static size_t size_for(size_t entries);
  [[nodiscard]] uint32_t* set_of(uint64_t hash);

  std::vector<uint32_t> table_;
  uint32_t epoch_ = 1;
  uint64_t weight_in_epoch_ = 0;
  size_t next_to_sweep_ = 0;
};

// For one thread at a time.
class ItemPolicy {
 public:
  // With a ghost of so many entries.
  explicit ItemPolicy(size_t entries) : ghost_(entries) {}

  void set_capacity(uint64_t capacity) { capacity_ = capacity; }
  [[nodiscard]] uint64_t capacity() const { return capacity_; }

  // The weight of what is in both chains, or in one, which its owner keeps up to date.
  [[nodiscard]] uint64_t used() const { return weight_[0] + weight_[1]; }
  [[nodiscard]] uint64_t& weight(Chain chain) { return weight_[static_cast<size_t>(chain)]; }

  // Where a new item goes to.
  [[nodiscard]] Chain chain_of_new(uint64_t hash);
  // Whether the victim is the oldest of small, while there is something in both chains.
  [[nodiscard]] bool is_small_next() const { return is_small_over_share(weight_[0], weight_[1]); }

  // An item that is its chain's oldest.
  struct Oldest {
    uint64_t hash = 0;
    uint64_t weight = 0;
    uint32_t frequency = 0;  // of reads
    Chain chain = Chain::kSmall;
    bool is_fill = false;  // it came to main unread, in a loop
  };
  struct Decision : Verdict {
    bool is_fill = false;
  };
  // Whether it stays, as the newest of a chain, when something has to go.
  [[nodiscard]] Decision decide(const Oldest& item);

  // Loops are seen by looking, from time to time, at what has happened: it counts what has left small, and its
  // owner what has happened to a sample of keys.
  [[nodiscard]] Flow& flow() { return flow_; }
  [[nodiscard]] bool is_look_due() const { return ghost_.epoch() - looked_at_epoch_ >= LoopWatch::kEpochsPerLook; }
  void look() {
    looked_at_epoch_ = ghost_.epoch();
    loop_watch_.look(flow_);
  }
  [[nodiscard]] LoopState loop_state() const { return loop_watch_.state(); }
  [[nodiscard]] ItemGhost& ghost() { return ghost_; }

 private:
  ItemGhost ghost_;
  uint64_t capacity_ = 0;
  std::array<uint64_t, kChainCount> weight_{};
  Flow flow_;
  LoopWatch loop_watch_;
  uint32_t looked_at_epoch_ = 0;  // of the ghost
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_ITEM_POLICY_H_
