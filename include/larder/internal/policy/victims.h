// Which segment is cleaned next.
//
// Flushed segments go first. Then come those with enough dead or expired bytes, so that no live item is evicted
// while much memory is wasted; then what the policy (s3fifo.h) evicts, oldest first. Pinned segments and those
// being written are skipped.
#ifndef LARDER_INTERNAL_POLICY_VICTIMS_H_
#define LARDER_INTERNAL_POLICY_VICTIMS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "larder/internal/base/mutex.h"
#include "larder/internal/segments/log.h"
#include "larder/internal/segments/segment.h"

namespace larder::internal {

struct Victim {
  SegmentId segment = 0;
  Chain chain = Chain::kSmall;
  bool is_sparse = false;  // chosen for its dead or expired bytes, not for its age
  bool is_left_of_loop = false;  // back from main, where a loop that is over read its items
};

// Why there is no victim.
enum class Lack : uint8_t {
  kOfItems,  // nothing can go
  kOfIdle,   // segments were passed over because they have writers, which will soon be done
  kOfRoom,   // as many victims are being cleaned as there is room for
};

// Thread-safe: all is done under the log's mutex.
class Victims {
 public:
  explicit Victims(Log& log) : log_(log) {}

  // Takes the next segment to clean, or none, and says why. Without `may_evict`, only one with something dead in
  // it. Skips pinned segments. `by_policy`: only a flushed segment, one of which a quarter is dead or expired, or
  // what the policy would evict.
  [[nodiscard]] std::optional<Victim> take(int64_t now_ms, bool may_evict, bool by_policy, Lack& lack);

  // Makes a few of small's oldest segments main's, as long as main is below its share: in a loop (loop.h), before a
  // victim is taken.
  void fill_main();
  // Gives some of those back to small, where they are the oldest, if there are any: when the loop is over.
  void clear_fill();

  // Takes a segment in which everything is dead or expired, if one of the next few is such; or none.
  [[nodiscard]] std::optional<Victim> take_expired(int64_t now_ms);

 private:
  [[nodiscard]] std::optional<Victim> choose(int64_t now_ms, bool may_evict, bool by_policy, bool& is_busy)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);
  [[nodiscard]] Victim taken(SegmentId id, bool is_sparse) ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);
  [[nodiscard]] SegmentId oldest_idle(Chain chain, SegmentId up_to, uint64_t opened_before, bool& is_busy) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);
  [[nodiscard]] SegmentId oldest_opened_before(uint64_t before, bool& is_busy)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);
  [[nodiscard]] SegmentId oldest_suspect(bool may_evict, bool& is_busy) ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);
  [[nodiscard]] SegmentId oldest_by_policy(bool& is_busy) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);
  [[nodiscard]] static size_t waste_percent(const Segment& segment, int64_t now_ms);
  [[nodiscard]] SegmentId find_emptiest(int64_t now_ms, size_t percent, bool& is_busy)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);
  [[nodiscard]] SegmentId find_any_sparse(int64_t now_ms, bool& is_busy) ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);
  [[nodiscard]] SegmentId find_sparse(int64_t now_ms, size_t looks, size_t percent, bool& is_busy)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);
  // Seals a non-empty open segment for which `is_wanted` is true; false if there is none.
  template <class IsWanted>
  [[nodiscard]] bool seal_one(IsWanted&& is_wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);

  Log& log_;
  SegmentId sparse_cursor_ ABSL_GUARDED_BY(log_.mutex_) = 0;  // where find_sparse continues
  SegmentId fill_cursor_ ABSL_GUARDED_BY(log_.mutex_) = 0;    // where clear_fill continues
  bool found_fill_ ABSL_GUARDED_BY(log_.mutex_) = false;      // since it began at main's oldest segment
  bool may_have_fill_ ABSL_GUARDED_BY(log_.mutex_) = false;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_VICTIMS_H_
