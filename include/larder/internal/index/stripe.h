// A stripe of the index: a part of all hashes, with a lock and a directory of its own.
#ifndef LARDER_INTERNAL_INDEX_STRIPE_H_
#define LARDER_INTERNAL_INDEX_STRIPE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "larder/internal/base/mutex.h"
#include "larder/internal/index/bucket.h"
#include "larder/internal/index/change_clock.h"
#include "larder/internal/index/directory.h"
#include "larder/internal/index/slot.h"

namespace larder::internal {

// How many tag bits tell the pages of a stripe apart that has no directory of its own.
inline constexpr int kFewPagesDepth = 5;

// All zeros is a stripe without items and without a page: so memory that was never touched holds stripes.
struct alignas(64) Stripe {
  // Read by every search, without the mutex, and seldom written.
  std::atomic<uint64_t> layout{0};                   // odd while pages change
  std::atomic<const Directory*> directory{nullptr};  // null as long as few_pages is deep enough
  // A first directory, which costs a search no further step through memory.
  std::array<std::atomic<uint32_t>, size_t{1} << kFewPagesDepth> few_pages{};

  [[nodiscard]] std::atomic<uint32_t>& entry(uint32_t tag) {
    // Acquire: with the release in install, for what is in it.
    const Directory* const deep = directory.load(std::memory_order_acquire);
    return deep == nullptr ? few_pages[tag >> (Slot::kTagBits - kFewPagesDepth)] : deep->entry(tag);
  }
  [[nodiscard]] int depth() const {
    const Directory* const deep = directory.load(std::memory_order_acquire);
    return deep == nullptr ? kFewPagesDepth : deep->depth;
  }

  // On cache lines of their own: written by every change.
  alignas(64) Mutex mutex;
  uint64_t cas_count ABSL_GUARDED_BY(mutex) = 0;    // CAS numbers given out by this stripe
  ChangeClock change_clock ABSL_GUARDED_BY(mutex);  // when
  // The flush generation that whoever holds the mutex works in: read once, by StripeLock, so that a flush in
  // the middle of an operation comes after all of it. Written under the mutex; read by stats without it, as are
  // the sums, which count only if this is the index's generation. Relaxed: they stand for nothing but themselves.
  std::atomic<uint64_t> generation{0};
  std::atomic<uint64_t> items{0};
  std::atomic<uint64_t> item_bytes{0};
  std::atomic<uint64_t> hidden_bytes{0};
};

// Makes the stripe's layout number odd while it lives.
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

// What a stripe, or several, hold.
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
  uint64_t hidden_bytes = 0;  // of what loaders leave: it takes room, and is no item
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_STRIPE_H_
