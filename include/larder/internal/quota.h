// Keeps namespaces within limits of their own.
//
// Items of all namespaces share segments, so the cleaner cannot evict from one of them. Here a hand goes round the
// namespace's part of the index, bucket by bucket: it takes one from the frequency of what was read and evicts what
// was not (the clock algorithm, in the order of hashes). When a few hundred slots in a row were read lately, the
// next goes whatever it is, so that a store never does more than that for one item. What is evicted leaves dead
// octets behind, which the cleaner gathers like those of overwritten items.
//
// Lock order: a hand before stripes.
#ifndef LARDER_INTERNAL_QUOTA_H_
#define LARDER_INTERNAL_QUOTA_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "larder/internal/index.h"
#include "larder/internal/mutex.h"

namespace larder::internal {

// Thread-safe.
class Quota {
 public:
  // Removes an item, under its stripe's mutex.
  using Evict = std::function<void(Index::Stripe& stripe, const Index::Position& position, int64_t now_ms)>;

  // `index` must outlive it.
  Quota(Index& index, Evict evict);

  [[nodiscard]] bool is_limited(uint32_t space) const {
    return hands_ != nullptr && index_.namespaces().limit(space) != 0;
  }
  // Of a limited namespace: whether it may take `bytes` more. Stores of many threads at once may each find that
  // they fit.
  [[nodiscard]] bool fits(uint32_t space, size_t bytes) const {
    return index_.limited_bytes(space) + bytes <= index_.namespaces().limit(space);
  }
  [[nodiscard]] bool could_ever_fit(uint32_t space, size_t bytes) const {
    return bytes <= index_.namespaces().limit(space);
  }

  // Evicts from a limited namespace until `bytes`, which could fit, do.
  void make_room(uint32_t space, size_t bytes, int64_t now_ms);

 private:
  struct Hand {
    Mutex mutex;
    uint32_t stripe ABSL_GUARDED_BY(mutex) = 0;  // within those of the namespace
    uint32_t tag ABSL_GUARDED_BY(mutex) = 0;
    size_t passed ABSL_GUARDED_BY(mutex) = 0;  // slots since the last that was evicted
  };

  void move_on(Hand& hand, uint32_t space, size_t bytes, int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(hand.mutex);

  Index& index_;
  const Evict evict_;
  const std::unique_ptr<Hand[]> hands_;  // by namespace; null if none is limited
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_QUOTA_H_
