// Whether the requests are a loop that is longer than the cache.
//
// S3-FIFO gets nothing from such a loop: each item goes before its turn comes round. If main is filled instead with
// what small would evict, and small takes all the rest, that part of the loop is there the next time round.
//
// A loop shows in this: hardly any item was read before it left small, or came back soon after, but keys come back
// in the long run; and for the items that leave there are gets that miss. Of keys that never come back, or that are
// stored and not asked for, the newest are the ones to keep.
#ifndef LARDER_INTERNAL_POLICY_LOOP_H_
#define LARDER_INTERNAL_POLICY_LOOP_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "larder/internal/policy/ghost_entry.h"

namespace larder::internal {

// What has happened since the cache was made.
struct Flow {
  uint64_t left = 0;    // how many items have left small for main, or were evicted
  uint64_t wanted = 0;  // those of them that had been read, and items that the ghost knew when they came
  uint64_t misses = 0;  // gets that found nothing
  // Of a sample of keys, how many were evicted, or missed, and how many of these not for the first time.
  uint64_t sampled = 0, again = 0;
};

// For one thread at a time.
class LoopWatch {
 public:
  static constexpr size_t kLooksPerLimit = 4;
  // To be called once in so many epochs of the ghost.
  static constexpr uint32_t kEpochsPerLook = kGhostEpochs / kLooksPerLimit;

  void look(const Flow& now) {
    Flow& before = looks_[count_ % kLooks];
    const uint64_t left = now.left - before.left;
    const bool is_wanted = (now.wanted - before.wanted) * kWantedDivisor >= left;
    const bool is_asked_for = (now.misses - before.misses) * 2 > left;
    const uint64_t sampled = now.sampled - before.sampled;
    const bool comes_back = sampled >= kSampledMin && (now.again - before.again) * 2 > sampled;
    before = now;
    is_loop_ = ++count_ > kLooks && !is_wanted && is_asked_for && comes_back;
  }
  [[nodiscard]] bool is_loop() const { return is_loop_; }

 private:
  static constexpr size_t kLooks = 4;
  static constexpr uint64_t kWantedDivisor = 33;
  static constexpr uint64_t kSampledMin = 16;

  std::array<Flow, kLooks> looks_{};
  size_t count_ = 0;
  bool is_loop_ = false;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_LOOP_H_
