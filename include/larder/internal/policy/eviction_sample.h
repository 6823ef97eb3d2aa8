// A sample of the keys that small evicts: how many of them it has evicted before, and how many it is asked for
// after that, however late.
//
// It is adapted so that about 64 evictions are in it while as many bytes as the limit are evicted. Thus it takes
// 4 KiB, and remembers what was evicted while 16 to 32 times the limit was.
#ifndef LARDER_INTERNAL_POLICY_EVICTION_SAMPLE_H_
#define LARDER_INTERNAL_POLICY_EVICTION_SAMPLE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <new>

#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/policy/seen_keys.h"

namespace larder::internal {

// Thread-safe.
class EvictionSample {
 public:
  struct Counts {
    uint64_t evicted = 0;    // how many evictions were in the sample since it was made
    uint64_t again = 0;      // those of keys that had been evicted before
    uint64_t asked_for = 0;  // gets that missed a key that had been evicted
  };

  // Charges what it takes, if an account is given.
  explicit EvictionSample(Account* account = nullptr) : account_(account) {}
  ~EvictionSample() {
    if (seen_ != nullptr && account_ != nullptr) account_->release(Use::kOther, sizeof(Seen));
  }
  EvictionSample(const EvictionSample&) = delete;
  EvictionSample& operator=(const EvictionSample&) = delete;

  void note_eviction(uint64_t hash) {
    if (has(hash)) add(hash);
  }
  // A get has missed.
  void note_miss(uint64_t hash) {
    if (has(hash)) look_up(hash);
  }

  // To be called while a quarter of the limit is evicted: adapts the sample.
  Counts look() {
    const MutexLock lock(mutex_);
    // Not before: many caches never evict.
    if (seen_ == nullptr && (account_ == nullptr || account_->try_charge(Use::kOther, sizeof(Seen)))) {
      seen_.reset(new (std::nothrow) Seen());
      if (seen_ == nullptr && account_ != nullptr) account_->release(Use::kOther, sizeof(Seen));
    }
    adapt(counts_.evicted - evicted_before_);
    evicted_before_ = counts_.evicted;
    return counts_;
  }

 private:
  using Seen = SeenKeys<1024>;
  static constexpr double kWantedPerLook = 16;
  static constexpr double kLooksInMean = 4;
  // How many bits off, before the sample is changed. A key that is new in the sample counts as one that is met for
  // the first time, so it is made larger only when it is too small to say anything, and never by chance.
  static constexpr double kTooManyBits = 0.75;
  static constexpr double kTooFewBits = 1.5;
  static constexpr int kBitsMax = 30;
  static constexpr int kBitsAtFirst = 10;

  [[nodiscard]] bool has(uint64_t hash) const { return (hash & mask_.load()) == 0; }

  // To `evicted` since the last look.
  void adapt(uint64_t evicted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto newest = static_cast<double>(evicted);
    mean_ = mean_ == 0 ? newest : mean_ + (newest - mean_) / kLooksInMean;
    const double bits_off = std::log2(std::max(mean_, kWantedPerLook / 8) / kWantedPerLook);
    if (bits_off <= kTooManyBits && bits_off >= -kTooFewBits) return;
    const int bits = std::clamp(bits_ + static_cast<int>(std::lround(bits_off)), 0, kBitsMax);
    mean_ = std::ldexp(mean_, bits_ - bits);
    bits_ = bits;
    mask_.store((uint64_t{1} << bits_) - 1);
  }

  void look_up(uint64_t hash) {
    const MutexLock lock(mutex_);
    if (seen_ != nullptr && seen_->knows(hash)) ++counts_.asked_for;
  }

  void add(uint64_t hash) {
    const MutexLock lock(mutex_);
    ++counts_.evicted;
    if (seen_ != nullptr && !seen_->add(hash)) ++counts_.again;
  }

  Account* const account_;
  // The low bits of a hash that are 0 in the sample.
  RelaxedAtomic<uint64_t> mask_{(uint64_t{1} << kBitsAtFirst) - 1};
  Mutex mutex_ ABSL_ACQUIRED_AFTER(lock_order::kStripe) ABSL_ACQUIRED_BEFORE(lock_order::kLog);
  std::unique_ptr<Seen> seen_ ABSL_PT_GUARDED_BY(mutex_) ABSL_GUARDED_BY(mutex_);
  Counts counts_ ABSL_GUARDED_BY(mutex_);
  uint64_t evicted_before_ ABSL_GUARDED_BY(mutex_) = 0;
  double mean_ ABSL_GUARDED_BY(mutex_) = 0;  // of what a look has found
  int bits_ ABSL_GUARDED_BY(mutex_) = kBitsAtFirst;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_EVICTION_SAMPLE_H_
