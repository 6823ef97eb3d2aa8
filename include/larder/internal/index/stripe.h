// A stripe of the index: a part of all hashes, with its own lock and directory.
#ifndef LARDER_INTERNAL_INDEX_STRIPE_H_
#define LARDER_INTERNAL_INDEX_STRIPE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "larder/internal/base/atomic.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/base/page_size.h"
#include "larder/internal/index/bucket.h"
#include "larder/internal/index/change_clock.h"
#include "larder/internal/index/directory.h"
#include "larder/internal/index/slot.h"

namespace larder::internal {

// How many tag bits select the page in a stripe without a separate directory.
inline constexpr int kFewPagesDepth = 5;

// All zeros is a stripe without items and without a page: memory that was never touched contains valid stripes.
struct alignas(64) Stripe {
  // Read by every search, without the mutex, and seldom written.
  OrderedAtomic<uint64_t> layout{0};                   // odd while pages change
  OrderedAtomic<const Directory*> directory{nullptr};  // null as long as few_pages is deep enough
  // A first directory, which a search reaches without another memory access.
  std::array<RelaxedAtomic<uint32_t>, size_t{1} << kFewPagesDepth> few_pages{};

  [[nodiscard]] RelaxedAtomic<uint32_t>& entry(uint32_t tag) {
    // Acquire: with the release in install, for its contents.
    const Directory* const deep = directory.load(std::memory_order_acquire);
    return deep == nullptr ? few_pages[tag >> (Slot::kTagBits - kFewPagesDepth)] : deep->entry(tag);
  }
  [[nodiscard]] int depth() const {
    const Directory* const deep = directory.load(std::memory_order_acquire);
    return deep == nullptr ? kFewPagesDepth : deep->depth;
  }

  // On other cache lines: written by every change. What overwriting an item in place needs is on the first of them.
  alignas(64) Mutex mutex ABSL_ACQUIRED_AFTER(lock_order::kStripe) ABSL_ACQUIRED_BEFORE(lock_order::kLog);
  // The flush generation in which the thread that holds the mutex works: read once, by StripeLock, so that a flush
  // in the middle of an operation takes effect after it. Written under the mutex. stats reads it without, and also
  // the sums, which count only if this is the index's generation. Relaxed: no other data depends on them.
  RelaxedAtomic<uint64_t> generation{0};
  uint64_t cas_count ABSL_GUARDED_BY(mutex) = 0;    // CAS numbers given out by this stripe
  ChangeClock change_clock ABSL_GUARDED_BY(mutex);  // when they were given out
  RelaxedAtomic<uint64_t> items{0};
  RelaxedAtomic<uint64_t> item_bytes{0};
  RelaxedAtomic<uint64_t> hidden_bytes{0};
};

// How many bytes so many stripes take, with one bit for each (Index::has_page).
[[nodiscard]] inline size_t stripe_bytes(size_t stripes) {
  return round_up(stripes * sizeof(Stripe) + (stripes + 63) / 64 * sizeof(uint64_t), os_page_bytes());
}

// Keeps the stripe's layout number odd while it lives.
class LayoutChange {
 public:
  explicit LayoutChange(Stripe& stripe) : stripe_(stripe) {
    step(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
  }
  ~LayoutChange() { step(std::memory_order_release); }
  LayoutChange(const LayoutChange&) = delete;
  LayoutChange& operator=(const LayoutChange&) = delete;

 private:
  void step(std::memory_order order) {
    stripe_.layout.store(stripe_.layout.load(std::memory_order_relaxed) + 1, order);
  }
  Stripe& stripe_;
};

// The contents of one stripe or several.
struct StripeSums {
  bool operator==(const StripeSums&) const = default;
  StripeSums& operator+=(const StripeSums& other) {
    items += other.items;
    item_bytes += other.item_bytes;
    hidden_bytes += other.hidden_bytes;
    return *this;
  }
  [[nodiscard]] constexpr uint64_t bytes() const { return item_bytes + hidden_bytes; }

  uint64_t items = 0;
  uint64_t item_bytes = 0;
  uint64_t hidden_bytes = 0;  // of what loaders leave: it takes room, but is not an item
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_STRIPE_H_
