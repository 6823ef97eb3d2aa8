// Which segment is cleaned next.
//
// What a flush has made stale goes first; then what is mostly dead or expired, so that no live item is evicted
// while much of the memory is wasted; then what the policy (s3fifo.h) would evict, oldest first. Nothing that is
// pinned or being written is chosen.
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
  bool is_sparse = false;  // chosen for what is dead or expired in it, not for its age
};

// For one thread at a time; the log may be used by others.
class Victims {
 public:
  explicit Victims(Log& log) : log_(log) {}

  // Takes the segment that should go next, or none. Without `may_evict` only one that has something dead in it.
  // What is pinned is passed over. `is_busy`: so were segments that writers are in, which soon are through.
  // `by_policy`: only what the policy would evict, or holds nothing live.
  [[nodiscard]] std::optional<Victim> take(int64_t now_ms, bool may_evict, bool by_policy, bool& is_busy);

  // Takes a segment that holds nothing live, if one of the next few is; or none.
  [[nodiscard]] std::optional<Victim> take_expired(int64_t now_ms);

 private:
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
  // Seals an open segment that has something in it and that `is_wanted`; false if there is none.
  template <class IsWanted>
  [[nodiscard]] bool seal_one(IsWanted&& is_wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.mutex_);

  Log& log_;
  SegmentId sparse_cursor_ = 0;  // where find_sparse goes on
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_VICTIMS_H_
