// Whether the requests are a loop that is longer than twice the cache.
//
// S3-FIFO gets nothing from such a loop: each item goes, and is forgotten by the ghost, before its turn comes
// round. If main is filled instead with what small would evict, and small takes all the rest, that part of the loop
// is there the next time round.
//
// A loop shows in this: hardly any item was read before it left small, or came back soon after; but in the long run
// keys come back, and before that they are asked for. Of keys that never come back, or that are stored and not
// asked for, the newest are the ones to keep.
//
// When the loop is over, what main was filled with goes back to small, and counts as unread there: in main nothing
// would evict it.
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
  // Of a sample of keys, how many were evicted; how many of these not for the first time; and how many gets missed
  // a key that had been evicted.
  uint64_t sampled = 0, again = 0, asked_for = 0;
};

enum class LoopState : uint8_t {
  kNone,
  kLoop,
  kOver,  // there has been none for as long as it takes to see one
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
    const uint64_t sampled = now.sampled - before.sampled;
    const bool comes_back = (now.again - before.again) * 2 > sampled;
    const bool is_asked_for = (now.asked_for - before.asked_for) * 2 > sampled;
    before = now;
    const bool is_loop = ++count_ > kLooks && !is_wanted && sampled >= kSampledMin && comes_back && is_asked_for;
    if (is_loop) {
      last_loop_ = count_;
      state_ = LoopState::kLoop;
    } else {
      state_ = count_ - last_loop_ >= kLooks ? LoopState::kOver : LoopState::kNone;
    }
  }
  [[nodiscard]] LoopState state() const { return state_; }

 private:
  static constexpr size_t kLooks = 4;
  static constexpr uint64_t kWantedDivisor = 33;
  static constexpr uint64_t kSampledMin = 16;

  std::array<Flow, kLooks> looks_{};
  size_t count_ = 0;
  size_t last_loop_ = 0;  // count_ when there was one
  LoopState state_ = LoopState::kNone;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_LOOP_H_
