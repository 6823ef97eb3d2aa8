#ifndef LARDER_INTERNAL_POLICY_VICTIMS_INL_H_
#define LARDER_INTERNAL_POLICY_VICTIMS_INL_H_

#include <algorithm>
#include <array>
#include <atomic>

#include "larder/api.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/policy/s3fifo.h"
#include "larder/internal/policy/victims.h"

namespace larder::internal {

// How many segments are examined for the one with the most dead or expired bytes, before the oldest is taken.
inline constexpr size_t kSparseLooks = 24;
inline constexpr size_t kStepsPerLook = 64;
// From how many dead bytes a segment is sparse, in percent of its used bytes.
inline constexpr size_t kSparsePercent = 7;
inline constexpr size_t kSparsePercentWithoutEviction = 10;
// From this percentage on a segment goes before the policy's victim even if sparse ones have given little:
// cleaning four such segments frees a whole one.
inline constexpr size_t kEmptyPercent = 25;

// How many segments become main's for each that is evicted: in a loop main is soon full.
inline constexpr int kFilledPerVictim = 8;
// How many of main's segments are looked at, for each that is evicted, when the loop is over.
inline constexpr int kFillLooks = 32;

template <class IsWanted>
bool Victims::seal_one(IsWanted&& is_wanted) {
  const auto seal = [&](OrderedAtomic<SegmentId>& open) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const SegmentId id = open.load(std::memory_order_relaxed);
    if (id == 0 || log_.segments_[id].used_bytes() == 0 || !is_wanted(log_.segments_[id])) return false;
    log_.seal_open(open);
    return true;
  };
  for (Log::Lane& lane : log_.lanes_) {
    for (auto& classes : lane) {
      if (std::ranges::any_of(classes, seal)) return true;
    }
  }
  return std::ranges::any_of(log_.survivors_, seal);
}

LARDER_INLINE std::optional<Victim> Victims::take(int64_t now_ms, bool may_evict, bool by_policy, Lack& lack) {
  const MutexLock lock(log_.mutex_);
  lack = Lack::kOfRoom;
  if (!log_.may_take_victim()) return std::nullopt;
  bool is_busy = false;
  const std::optional<Victim> victim = choose(now_ms, may_evict, by_policy, is_busy);
  lack = is_busy ? Lack::kOfIdle : Lack::kOfItems;
  return victim;
}

// `is_busy`: segments with writers were passed over.
LARDER_INLINE std::optional<Victim> Victims::choose(int64_t now_ms, bool may_evict, bool by_policy, bool& is_busy) {
  if (const SegmentId id = oldest_opened_before(log_.flushed_before_, is_busy)) return taken(id, true);
  if (!by_policy) {
    if (const SegmentId id = oldest_suspect(may_evict, is_busy)) return taken(id, true);
  }
  if (!may_evict) {
    const SegmentId sparse = by_policy ? 0 : find_any_sparse(now_ms, is_busy);
    return sparse != 0 ? std::optional(taken(sparse, true)) : std::nullopt;
  }
  SegmentId sparse = find_emptiest(now_ms, by_policy ? kEmptyPercent : kSparsePercent, is_busy);
  if (!by_policy) {
    const size_t beyond = sparse != 0 ? waste_percent(log_.segments_[sparse], now_ms) + 1 : kSparsePercent;
    if (const SegmentId id = find_sparse(now_ms, kSparseLooks, beyond, is_busy)) sparse = id;
  }
  if (sparse != 0) return taken(sparse, true);
  do {
    if (const SegmentId id = oldest_by_policy(is_busy)) return taken(id, false);
  } while (seal_one([](const Segment&) { return true; }));
  for (const Chain chain : {Chain::kSmall, Chain::kMain}) {
    if (const SegmentId id = oldest_idle(chain, 0, UINT64_MAX, is_busy)) return taken(id, false);
  }
  return std::nullopt;
}

LARDER_INLINE std::optional<Victim> Victims::take_expired(int64_t now_ms) {
  const MutexLock lock(log_.mutex_);
  if (!log_.may_take_victim()) return std::nullopt;
  bool is_busy = false;
  const SegmentId expired = find_sparse(now_ms, kSparseLooks, 100, is_busy);
  if (expired == 0) return std::nullopt;
  return taken(expired, true);
}

// The oldest segment of the chain that can be cleaned now, comes before `up_to` and was opened before
// `opened_before`.
LARDER_INLINE SegmentId Victims::oldest_idle(Chain chain, SegmentId up_to, uint64_t opened_before,
                                             bool& is_busy) const {
  constexpr int kLooks = 64;
  SegmentId id = log_.oldest_[static_cast<size_t>(chain)];
  for (int i = 0; i < kLooks && id != up_to && log_.segments_[id].opened < opened_before;
       id = log_.segments_[id].newer) {
    // Not counted: pinned segments may be many, for as long as their owners like.
    if (log_.segments_[id].pins.load(std::memory_order_relaxed) != 0) continue;
    if (log_.segments_[id].is_idle()) return id;
    is_busy = is_busy || log_.segments_[id].state.load(std::memory_order_relaxed) == SegmentState::kSealed;
    ++i;
  }
  return 0;
}

// Considers both chains, and open segments too.
LARDER_INLINE SegmentId Victims::oldest_opened_before(uint64_t before, bool& is_busy) {
  do {
    for (const Chain chain : {Chain::kSmall, Chain::kMain}) {
      if (const SegmentId id = oldest_idle(chain, 0, before, is_busy)) return id;
    }
  } while (seal_one([before](const Segment& open) { return open.opened < before; }));
  return 0;
}

LARDER_INLINE SegmentId Victims::oldest_suspect(bool may_evict, bool& is_busy) {
  const uint64_t bytes = log_.chain_bytes_[0] + log_.chain_bytes_[1];
  if (log_.stale_bytes_ == 0 || (may_evict && log_.stale_bytes_ * 100 < bytes * kSparsePercent)) return 0;
  const uint64_t before = log_.suspect_before_;
  if (const SegmentId id = oldest_opened_before(before, is_busy)) return id;
  // Segments that are pinned or written now have their turn later.
  const bool are_all_gone = std::ranges::all_of(log_.oldest_, [&](SegmentId oldest) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return oldest == 0 || log_.segments_[oldest].opened >= before;
  });
  if (are_all_gone) log_.stale_bytes_ = 0;
  return 0;
}

// Oversized items first. Otherwise avoids the newest segment of a chain: what was stored last, perhaps a large
// item, should not be evicted first.
LARDER_INLINE SegmentId Victims::oldest_by_policy(bool& is_busy) const {
  const bool from_small = is_small_over_share(log_.chain_bytes_[0], log_.chain_bytes_[1]);
  if (from_small) {
    for (const SegmentId id : log_.oversized_) {
      if (log_.segments_[id].is_idle()) return id;
    }
  }
  const std::array<Chain, kChainCount> order = {from_small ? Chain::kSmall : Chain::kMain,
                                                from_small ? Chain::kMain : Chain::kSmall};
  for (const Chain chain : order) {
    const SegmentId newest = log_.newest_[static_cast<size_t>(chain)];
    if (const SegmentId id = oldest_idle(chain, newest, UINT64_MAX, is_busy)) return id;
  }
  return 0;
}

LARDER_INLINE void Victims::fill_main() {
  const MutexLock lock(log_.mutex_);
  bool is_busy = false;
  for (int i = 0; i < kFilledPerVictim; ++i) {
    const SegmentId newest = log_.newest_[static_cast<size_t>(Chain::kSmall)];
    const SegmentId id = oldest_idle(Chain::kSmall, newest, UINT64_MAX, is_busy);
    if (id == 0) return;
    const uint64_t bytes = std::max<uint64_t>(log_.segment_bytes(), log_.segments_[id].room_bytes.load());
    if (is_oversized(bytes, log_.account_.limit())) return;
    if (!may_fill_main(log_.chain_bytes_[0], log_.chain_bytes_[1], bytes)) return;
    log_.move_to(id, Chain::kMain);
    log_.segments_[id].is_fill = true;
    may_have_fill_ = true;
  }
}

// From main's oldest segment to its newest one, and if one was found, again.
LARDER_INLINE void Victims::clear_fill() {
  const MutexLock lock(log_.mutex_);
  if (!may_have_fill_) return;
  const Segment& at = log_.segments_[fill_cursor_];
  const bool is_valid = fill_cursor_ != 0 && at.chain.load() == Chain::kMain &&
                        at.state.load(std::memory_order_relaxed) == SegmentState::kSealed;
  SegmentId next = is_valid ? fill_cursor_ : log_.oldest_[static_cast<size_t>(Chain::kMain)];
  if (!is_valid) found_fill_ = false;
  for (int i = 0; i < kFillLooks && next != 0; ++i) {
    const SegmentId id = std::exchange(next, log_.segments_[next].newer);
    if (!log_.segments_[id].is_fill) continue;
    log_.move_to(id, Chain::kSmall);
    found_fill_ = true;
  }
  fill_cursor_ = next;
  if (next == 0) may_have_fill_ = found_fill_;
}

// What share of a segment's used bytes is dead or has expired, in percent. Expired bytes are assumed to be dead
// already as often as the rest. They count double, because they only get more, while an overwrite may reuse dead
// room.
LARDER_INLINE size_t Victims::waste_percent(const Segment& segment, int64_t now_ms) {
  const uint64_t live = segment.live_bytes.load(std::memory_order_relaxed);
  if (live == 0 || segment.deadline_max_ms.load() <= now_ms) return 100;
  if (segment.is_large.load()) return 0;
  const uint64_t used = segment.used_bytes();
  const uint64_t expired_bytes = segment.forecast.expired_bytes(now_ms);
  const uint64_t expired = expired_bytes >= used ? used : std::min(used - 1, 2 * expired_bytes);
  const auto percent = [used](uint64_t bytes) { return (std::min(used, bytes) * 100 + used - 1) / used; };
  return 100 - (percent(live) * percent(used - expired) + 99) / 100;
}

// An idle segment with the highest dead share, if at least `percent` of it is dead or expired.
LARDER_INLINE SegmentId Victims::find_emptiest(int64_t now_ms, size_t percent, bool& is_busy) {
  size_t looks = kSparseLooks;
  for (size_t step = Log::kDeadSteps + 1; step > 1 && step * 100 > percent * Log::kDeadSteps; --step) {
    SegmentId next = 0;
    for (SegmentId id = log_.by_dead_share_[step]; id != 0; id = next) {
      next = log_.segments_[id].next_listed;
      // Pinned segments may be many, and their dead share only grows.
      if (log_.segments_[id].pins.load(std::memory_order_relaxed) != 0) continue;
      if (looks-- == 0) return 0;
      // Writers may have committed since it was listed.
      log_.list_by_dead_share(id);
      const Segment& of = log_.segments_[id];
      is_busy = is_busy || of.has_writers();
      if (of.dead_step == step && of.is_idle() && waste_percent(of, now_ms) >= percent) return id;
    }
  }
  return 0;
}

// Without eviction nothing else can give room: every segment is examined, including the open ones.
LARDER_INLINE SegmentId Victims::find_any_sparse(int64_t now_ms, bool& is_busy) {
  const auto is_wanted = [&](const Segment& open) {
    return waste_percent(open, now_ms) >= kSparsePercentWithoutEviction;
  };
  do {
    if (const SegmentId id = find_sparse(now_ms, log_.made_count(), kSparsePercentWithoutEviction, is_busy))
      return id;
  } while (seal_one(is_wanted));
  return 0;
}

// The segment with the most waste of the next `looks` sealed ones, round robin, if it has at least `percent`.
LARDER_INLINE SegmentId Victims::find_sparse(int64_t now_ms, size_t looks, size_t percent, bool& is_busy) {
  SegmentId worst = 0;
  size_t most = percent;
  // Many segments may be free or unused, for example after the limit was lowered.
  size_t steps = std::min(looks * kStepsPerLook, log_.made_count());
  for (; steps > 0 && looks > 0 && most <= 100; --steps) {
    sparse_cursor_ = log_.next_made(sparse_cursor_);
    if (sparse_cursor_ == 0) continue;
    const Segment& of = log_.segments_[sparse_cursor_];
    if (of.state.load(std::memory_order_relaxed) != SegmentState::kSealed) continue;
    --looks;
    is_busy = is_busy || of.has_writers();
    if (!of.is_idle()) continue;
    const size_t waste = waste_percent(of, now_ms);
    if (waste < most) continue;
    worst = sparse_cursor_;
    most = waste + 1;
  }
  return worst;
}

LARDER_INLINE Victim Victims::taken(SegmentId id, bool is_sparse) {
  log_.take(id);
  const Segment& of = log_.segments_[id];
  const Chain chain = of.chain.load();
  return {.segment = id,
          .chain = chain,
          .is_sparse = is_sparse,
          .is_left_of_loop = of.is_fill && chain == Chain::kSmall};
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_VICTIMS_INL_H_
