// Which keys are asked for most (larder/hot_keys.h): counts a sample of all requests in a summary.
//
// Each thread counts down to the next request that it draws, next to its other counters; that is all that most
// requests do. What it draws goes to a ring of its own. When that is half full, and with no lock held, the thread
// takes the summary's mutex, if that is free, and has them counted. If it is not, and the ring is full, the request
// is dropped.
//
// At first one request in 8 is drawn, so that there is something to tell early. Each time kWindow requests are in
// the summary all counts are halved, and at first the threads draw half as many from then on: a request that was
// drawn earlier then counts as much as it stands for. From one in 128 on it is a fading: that of half a window ago
// counts half.
#ifndef LARDER_INTERNAL_HOT_KEYS_HOT_KEYS_H_
#define LARDER_INTERNAL_HOT_KEYS_HOT_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/base/per_thread.h"
#include "larder/internal/hot_keys/sample_ring.h"
#include "larder/internal/hot_keys/summary.h"
#include "larder/internal/item/key_ref.h"

namespace larder::internal {

// Thread-safe.
class HotKeys {
 public:
  static constexpr size_t kLimitMin = size_t{8} << 20;
  static constexpr double kWindow = 16384;

  HotKeys() = default;
  // Begins, if the limit is high enough. To be called once, before it is used.
  void begin(Account& account, uint64_t seed);

  // A request was drawn, without a lock held. How many of the thread's next requests to pass over.
  [[nodiscard]] uint32_t note(const KeyRef& key, RequestKind kind) ABSL_LOCKS_EXCLUDED(mutex_);

  struct Result {
    std::vector<Summary::Count> counts;  // the largest first
    double total = 0;
    double independent_total = 0;  // Summary::independent_total
  };
  [[nodiscard]] Result result(size_t n) ABSL_LOCKS_EXCLUDED(mutex_);
  // How many requests were drawn and not counted, because nobody could.
  [[nodiscard]] uint64_t dropped() const { return dropped_.load(); }

 private:
  static constexpr uint32_t kMeanGapFirst = 8;
  static constexpr uint32_t kMeanGap = 128;
  // When it is off: as seldom as can be.
  static constexpr uint32_t kNoneDrawn = UINT32_MAX;

  void seed(SampleRing& ring);
  void count(SampleRing& ring) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Read when a request is drawn, and hardly ever written. On lines of its own: what lies before and after it is
  // read by every operation.
  alignas(64) uint64_t seed_ = 0;
  std::unique_ptr<PerThread<SampleRing, 1>> rings_;  // null: it is off
  // Relaxed: a thread may learn later than others that it should draw less.
  RelaxedAtomic<uint32_t> mean_gap_{kMeanGapFirst};
  RelaxedAtomic<uint64_t> rings_seeded_{0};

  alignas(64) RelaxedAtomic<uint64_t> dropped_{0};
  Mutex mutex_ ABSL_ACQUIRED_AFTER(lock_order::kEngine) ABSL_ACQUIRED_BEFORE(lock_order::kCleaner);
  std::optional<Summary> summary_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_HOT_KEYS_HOT_KEYS_H_
