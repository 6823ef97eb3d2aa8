// The order in which the objects of a store are evicted: the policy of the cache (policy/item_policy.h), over two
// queues.
#ifndef LARDER_INTERNAL_OBJECTS_OBJECT_QUEUES_H_
#define LARDER_INTERNAL_OBJECTS_OBJECT_QUEUES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "larder/internal/objects/object.h"
#include "larder/internal/policy/eviction_sample.h"
#include "larder/internal/policy/item_policy.h"

namespace larder::internal {

// For one thread at a time.
class ObjectQueues {
 public:
  ObjectQueues(uint64_t weight_max, EvictionSample& sample);

  void set_weight_max(uint64_t weight_max) { policy_.set_capacity(weight_max); }
  [[nodiscard]] uint64_t weight_max() const { return policy_.capacity(); }
  [[nodiscard]] uint64_t weight() const { return policy_.used(); }
  [[nodiscard]] size_t size() const { return size_; }

  // A new object, which replaces another if one is given: it goes where that is.
  void add(Object& object, const Object* replaced);
  // One that is in a queue, out of it.
  void take_out(Object& object);
  // The time of some object has got an end.
  void note_end() { has_ends_ = true; }

  // Takes out the next object that has to go, and says why. None if all have room.
  [[nodiscard]] Object* next_victim(int64_t now_ms, Removal& why);
  // Whether there is something to sweep for.
  [[nodiscard]] bool needs_sweep() const { return has_ends_ || has_fills_; }
  // Looks at the next object in turn, and takes it out if its time is over. None otherwise.
  [[nodiscard]] Object* sweep(int64_t now_ms);

 private:
  // How many that were read stay in a row, at most, before one has to go all the same.
  static constexpr int kKeptMax = 32;
  static constexpr size_t kGhostEntriesMin = 64;

  [[nodiscard]] Object*& oldest(Chain chain) { return oldest_[static_cast<size_t>(chain)]; }
  [[nodiscard]] Object*& newest(Chain chain) { return newest_[static_cast<size_t>(chain)]; }
  void link(Object& object, Chain chain);
  void unlink(Object& object);
  void look();

  EvictionSample& sample_;
  ItemPolicy policy_;
  std::array<Object*, kChainCount> oldest_{}, newest_{};
  size_t size_ = 0;
  Object* hand_ = nullptr;  // the next to be swept; none: the oldest of hand_chain_
  Chain hand_chain_ = Chain::kSmall;
  bool has_ends_ = false;  // there was an object whose time ends
  bool has_fills_ = false;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_OBJECTS_OBJECT_QUEUES_H_
