#ifndef LARDER_INTERNAL_CURVE_CURVE_INL_H_
#define LARDER_INTERNAL_CURVE_CURVE_INL_H_

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "larder/api.h"
#include "larder/internal/curve/curve.h"

namespace larder::internal {

// The curve may take so much of the limit, but no more than is of use; it is off if that is too little.
inline constexpr size_t kCurveShareOfLimit = 128;
inline constexpr size_t kCurveBytesMax = size_t{4} << 20;
// Entries of the miniature of the cache's own size.
inline constexpr size_t kEntriesMax = 512;
inline constexpr size_t kEntriesMin = 64;
// When a miniature has no entry left.
inline constexpr double kShrink = 0.8;
// Of its entries, so few in use are too few.
inline constexpr size_t kSparseDivisor = 4;
inline constexpr size_t kAccessesPerTurn = 4;
// How many accesses pass between two looks at what the cache has counted: few at first.
inline constexpr size_t kFirstLook = 64;
inline constexpr size_t kLooksApart = 1024;
// A window ends after so many accesses and so much of a turnover; without that, after so many more.
inline constexpr size_t kWindowAccesses = 4096;
inline constexpr size_t kWindowAccessesMax = 65536;
inline constexpr double kWindowTurnovers = 1.0 / 16;
inline constexpr double kFastHalfLife = 0.25;  // in turnovers; that of the slow sums is one
// From when on the fast sums are the better ones.
inline constexpr double kJump = 0.03;
inline constexpr double kJumpShare = 0.15;
// Of the limit, that records take when nothing else is known; and when that is so.
inline constexpr double kItemShare = 0.8;
inline constexpr uint64_t kFewBytesDivisor = 16;
inline constexpr int kDeadlineShift = 8;

LARDER_INLINE void CurveSums::add(const CurveSums& others) {
  for (size_t i = 0; i < spaces.size(); ++i) spaces[i].add(others.spaces[i]);
  seconds += others.seconds;
  turnovers += others.turnovers;
}

LARDER_INLINE void CurveSums::fade(double share) {
  for (Misses& space : spaces) space.fade(share);
  seconds *= share;
  turnovers *= share;
}

LARDER_INLINE Misses CurveSums::all() const {
  Misses sum;
  for (const Misses& space : spaces) sum.add(space);
  return sum;
}

inline Miniature::Deadline deadline_of_ms(int64_t ms) {
  constexpr int64_t kUnit = int64_t{1} << kDeadlineShift;
  if (ms >= kNeverMs) return Miniature::kNever;
  return static_cast<Miniature::Deadline>(
      std::min<int64_t>((ms + kUnit - 1) >> kDeadlineShift, Miniature::kNever - 1));
}

inline size_t entries_for(size_t own, size_t size) { return own * kQuarters[size] / kQuarters[kOwnSize]; }

inline size_t miniature_bytes(size_t own) {
  size_t bytes = 0;
  for (size_t size = 0; size < kCurveSizes; ++size) bytes += Miniature::bytes_for(entries_for(own, size));
  return bytes;
}

LARDER_INLINE void Curve::begin(Account& account, Source source) {
  if (account.limit() < kLimitMin || source.share_max <= 0) return;
  account_ = &account;
  source_ = std::move(source);
  const MutexLock lock(mutex_);
  start(own_entries_at(account.limit()));
  if (miniatures_.empty()) return;
  rings_ = std::make_unique<PerThread<AccessRing, 1>>();
  rings_->charge_to(account, Use::kCurve);
}

LARDER_INLINE void Curve::adapt() {
  if (rings_ == nullptr) return;
  const MutexLock lock(mutex_);
  const size_t own_entries = own_entries_at(account_->limit());
  if (own_entries == (miniatures_.empty() ? 0 : miniatures_[kOwnSize].entries_max())) return;
  stop();
  start(own_entries);
}

// The window, and three sums.
LARDER_INLINE size_t Curve::sums_bytes() const { return 4 * source_.space_count * sizeof(Misses) + sizeof(Seen); }

// 0 if the limit is too low.
LARDER_INLINE size_t Curve::own_entries_at(size_t limit_bytes) const {
  if (limit_bytes < kLimitMin) return 0;
  const size_t bytes_max = std::min(limit_bytes / kCurveShareOfLimit, kCurveBytesMax);
  size_t own = kEntriesMax;
  while (own >= kEntriesMin && miniature_bytes(own) + sums_bytes() > bytes_max) own = own * 7 / 8;
  return own >= kEntriesMin ? own : 0;
}

LARDER_INLINE void Curve::start(size_t own) {
  if (own == 0) return;
  const size_t spaces = source_.space_count;
  bytes_ = miniature_bytes(own) + sums_bytes();
  account_->charge(Use::kCurve, bytes_);
  for (size_t size = 0; size < kCurveSizes; ++size) miniatures_.emplace_back(entries_for(own, size));
  seen_keys_ = std::make_unique<Seen>();
  input_.spaces.resize(spaces);
  window_.sums.spaces.resize(spaces);
  window_.counted_before.resize(spaces);
  slow_.spaces.resize(spaces);
  fast_.spaces.resize(spaces);
  all_.spaces.resize(spaces);
  source_.read(input_);
  limit_bytes_ = account_->limit();
  item_bytes_when_full_ = static_cast<double>(limit_bytes_) * kItemShare;
  accesses_until_look_ = accesses_between_looks_ = kFirstLook;
  constexpr uint64_t kMeanBytesAtFirst = 256;
  fit(source_.share_max, kMeanBytesAtFirst);
  start_again(source_.now_ms());
}

LARDER_INLINE void Curve::stop() {
  sample_.store(Sample().word());
  miniatures_ = std::vector<Miniature>();
  seen_keys_.reset();
  account_->release(Use::kCurve, std::exchange(bytes_, 0));
}

LARDER_INLINE void Curve::note_hit(uint64_t hash, uint32_t bytes, int64_t deadline_ms) {
  AccessRing* const ring = rings_->own();
  if (ring == nullptr) return;
  ring->push({.hash = hash, .bytes = bytes, .deadline = deadline_of_ms(deadline_ms)});
  catch_up();
}

LARDER_INLINE void Curve::note_miss(uint64_t hash) {
  AccessRing* const ring = rings_->own();
  if (ring == nullptr) return;
  ring->wait_for(hash);
  if (!sample().has_short(hash)) return;
  ring->push({.hash = hash, .kind = Followed::kMiss});
  catch_up();
}

LARDER_INLINE void Curve::note_store(uint64_t hash, uint32_t bytes, int64_t deadline_ms) {
  AccessRing* const ring = rings_->own();
  if (ring == nullptr) return;
  Access access{.hash = hash, .bytes = bytes, .deadline = deadline_of_ms(deadline_ms), .kind = Followed::kErase};
  if (bytes != 0) access.kind = ring->has_waited_for(hash) ? Followed::kLoad : Followed::kStore;
  ring->push(access);
}

LARDER_INLINE void Curve::catch_up() {
  AccessRing* const ring = rings_->own();
  if (ring == nullptr || ring->size() <= AccessRing::kKept || !mutex_.try_lock()) return;
  const MutexLock lock(mutex_, std::adopt_lock);
  const int64_t now_ms = source_.now_ms();
  for (size_t i = 0; i < kAccessesPerTurn && ring->size() > AccessRing::kKept; ++i) apply(ring->pop(), now_ms);
}

LARDER_INLINE void Curve::apply(const Access& access, int64_t now_ms) {
  if (miniatures_.empty()) return;
  if (std::ranges::any_of(flushed_, [](const auto& spaces) { return spaces.load() != 0; })) forget_flushed();
  const Sample sample = this->sample();
  const auto now = static_cast<Miniature::Deadline>(now_ms >> kDeadlineShift);
  const bool is_short = sample.has_short(access.hash);
  // It may have become smaller since.
  const bool is_followed = access.bytes != 0 ? sample.has(access.hash, access.bytes) : is_short;
  if (!is_followed || access.kind == Followed::kErase) {
    if (access.kind == Followed::kErase || access.kind == Followed::kStore) {
      for (Miniature& miniature : miniatures_) miniature.erase(access.hash);
    }
  } else if (access.kind == Followed::kMiss) {
    Misses& misses = window_of(access.hash);
    ++misses.own_misses;
    const bool is_first = seen_keys_->add(access.hash);
    if (is_first) ++misses.first_misses;
    for (size_t size = 0; size < kCurveSizes; ++size) {
      if (miniatures_[size].read(access.hash, 1, now)) continue;
      miniatures_[size].note_miss(is_first);
      count_miss(access, size, sample.weight_of_short(), 1);
    }
  } else {
    // The miss before a load was counted as that of a short item, if it was.
    const bool is_counted = access.kind == Followed::kLoad && is_short;
    const double weight = sample.weight(access.bytes) - (is_counted ? sample.weight_of_short() : 0);
    if (access.kind == Followed::kHit) (void)seen_keys_->add(access.hash);
    bool is_stored = access.kind == Followed::kHit;
    for (size_t size = 0; size < kCurveSizes && access.kind != Followed::kStore; ++size) {
      Miniature& miniature = miniatures_[size];
      const Miniature::Deadline deadline = access.kind == Followed::kHit ? access.deadline : 0;
      if (miniature.read(access.hash, is_counted ? 0 : access.count, now, deadline)) continue;
      count_miss(access, size, weight, is_counted ? 0 : 1);
      if (access.kind != Followed::kHit) continue;
      miniature.note_miss(/*is_first=*/false);
      // Whoever finds it missing stores it.
      is_stored = miniature.store(access.hash, access.bytes, access.deadline) && is_stored;
      (void)miniature.read(access.hash, static_cast<uint32_t>(access.count) - 1, now);
    }
    if (!is_stored) store(access);
  }
  ++window_.accesses;
  if (--accesses_until_look_ == 0) {
    accesses_between_looks_ = std::min(2 * accesses_between_looks_, kLooksApart);
    accesses_until_look_ = accesses_between_looks_;
    look(now_ms);
  }
}

LARDER_INLINE uint32_t Curve::space_of(uint64_t hash) const {
  return window_.sums.spaces.size() > 1 ? source_.space_of(hash) : 0;
}

LARDER_INLINE Misses& Curve::window_of(uint64_t hash) { return window_.sums.spaces[space_of(hash)]; }

LARDER_INLINE void Curve::count_miss(const Access& access, size_t size, double weight, float count) {
  // What a size misses before it is full, it would not miss later.
  const auto are_counted = [this](size_t of) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return of == kOwnSize || miniatures_[of].was_full();
  };
  if (!are_counted(size)) return;
  Misses& misses = window_of(access.hash);
  Misses::Group& group = misses.groups[(access.hash >> 40) % Misses::kGroups];
  group.missed[size] += static_cast<float>(weight);
  misses.counted[size] += count;
  if (size != kOwnSize) return;
  for (size_t other = 0; other < kCurveSizes; ++other) {
    if (are_counted(other)) group.own_missed[other] += static_cast<float>(weight);
  }
}

// In all miniatures; where there is no entry for it, the sample becomes smaller until there is, or it is no longer
// in it.
LARDER_INLINE void Curve::store(const Access& access) {
  for (Miniature& miniature : miniatures_) {
    while (sample().has(access.hash, access.bytes) &&
           !miniature.store(access.hash, access.bytes, access.deadline)) {
      fit(sample().share() * kShrink, sample().mean_bytes());
    }
  }
}

LARDER_INLINE void Curve::forget_flushed() {
  std::array<uint64_t, kFlushedWords> flushed;
  std::ranges::transform(flushed_, flushed.begin(), [](auto& spaces) { return spaces.exchange(0); });
  for (Miniature& miniature : miniatures_) {
    miniature.erase_if([&](uint64_t hash, uint32_t) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const uint32_t space = space_of(hash);
      return (flushed[space / 64] >> space % 64 & 1) != 0;
    });
  }
}

LARDER_INLINE void Curve::fit(double share, uint64_t mean_bytes) {
  const Sample sample(share, mean_bytes);
  for (Miniature& miniature : miniatures_) miniature.refit(sample);
  sample_.store(sample.word());
  set_capacities();
}

LARDER_INLINE void Curve::set_capacities() {
  for (size_t size = 0; size < kCurveSizes; ++size) {
    const double factor = static_cast<double>(kQuarters[size]) / static_cast<double>(kQuarters[kOwnSize]);
    miniatures_[size].set_capacity(static_cast<uint64_t>(factor * sample().share() * item_bytes_when_full_),
                                   static_cast<uint64_t>(factor * static_cast<double>(limit_bytes_)));
  }
}

LARDER_INLINE void Curve::look(int64_t now_ms) {
  source_.read(input_);
  const uint64_t limit_bytes = input_.limit_bytes;
  const double scale =
      static_cast<double>(limit_bytes) / static_cast<double>(std::max<uint64_t>(1, input_.used_bytes));
  const bool are_few = input_.item_bytes < limit_bytes / kFewBytesDivisor;
  const double item_bytes = are_few ? static_cast<double>(limit_bytes) * kItemShare
                                    : static_cast<double>(input_.item_bytes) * std::max(1.0, scale);
  if (limit_bytes != limit_bytes_) {
    if (limit_bytes > limit_bytes_) {
      for (Miniature& miniature : miniatures_) miniature.forget_full();
    }
    limit_bytes_ = limit_bytes;
    item_bytes_when_full_ = item_bytes;
    start_again(now_ms);
  }
  item_bytes_when_full_ += (item_bytes - item_bytes_when_full_) / 4;
  const uint64_t mean =
      std::clamp<uint64_t>(input_.item_bytes / std::max<uint64_t>(1, input_.items), 16, Sample::kMeanBytesMax);
  const uint64_t old_mean = sample().mean_bytes();
  if (input_.items > 0 && (mean > old_mean + old_mean / 8 || mean < old_mean - old_mean / 8)) {
    fit(sample().share(), mean);
  } else {
    set_capacities();
  }
  count_window(now_ms);
  const bool is_over = window_.accesses >= kWindowAccesses && window_.sums.turnovers >= kWindowTurnovers;
  if (is_over || window_.accesses >= kWindowAccessesMax) close_window(now_ms);
}

LARDER_INLINE void Curve::count_window(int64_t now_ms) {
  const Miniature& own = miniatures_[kOwnSize];
  window_.sums.seconds = static_cast<double>(now_ms - window_.begin_ms) / 1000;
  window_.sums.turnovers = static_cast<double>(own.inserted() - window_.inserted_before) /
                           static_cast<double>(std::max<uint64_t>(1, own.capacity()));
  for (size_t i = 0; i < input_.spaces.size(); ++i) {
    Misses& misses = window_.sums.spaces[i];
    misses.gets = static_cast<double>(input_.spaces[i].gets - window_.counted_before[i].gets);
    misses.misses = static_cast<double>(input_.spaces[i].misses - window_.counted_before[i].misses);
  }
}

LARDER_INLINE void Curve::close_window(int64_t now_ms) {
  const double turnovers = std::max(window_.sums.turnovers, kWindowTurnovers);
  slow_.fade(std::exp2(-turnovers));
  fast_.fade(std::exp2(-turnovers / kFastHalfLife));
  for (CurveSums* const sums : {&slow_, &fast_, &all_}) sums->add(window_.sums);
  begin_window(now_ms);
  // Items have become fewer.
  const Miniature& largest = miniatures_.back();
  if (largest.was_full() && largest.entries() < largest.entries_max() / kSparseDivisor &&
      2 * sample().share() <= source_.share_max) {
    fit(2 * sample().share(), sample().mean_bytes());
    for (Miniature& miniature : miniatures_) miniature.forget_full();
    start_again(now_ms);
  }
}

LARDER_INLINE void Curve::begin_window(int64_t now_ms) {
  window_.begin_ms = now_ms;
  window_.accesses = 0;
  window_.inserted_before = miniatures_[kOwnSize].inserted();
  window_.counted_before = input_.spaces;
  std::ranges::fill(window_.sums.spaces, Misses());
}

LARDER_INLINE void Curve::start_again(int64_t now_ms) {
  begin_window(now_ms);
  for (CurveSums* const sums : {&slow_, &fast_, &all_}) {
    std::ranges::fill(sums->spaces, Misses());
    sums->seconds = sums->turnovers = 0;
  }
}

LARDER_INLINE std::optional<Curve::Result> Curve::result() {
  if (rings_ == nullptr) return std::nullopt;
  const MutexLock lock(mutex_);
  const int64_t now_ms = source_.now_ms();
  for (AccessRing* const ring = rings_->own(); ring != nullptr && ring->size() > 0;) apply(ring->pop(), now_ms);
  if (miniatures_.empty()) return std::nullopt;
  look(now_ms);
  CurveSums sums = slow_;
  CurveSums fast = fast_;
  sums.add(window_.sums);
  fast.add(window_.sums);
  const auto miss_ratio = [](const Misses& all) { return all.gets > 0 ? all.misses / all.gets : 0; };
  const double slow_ratio = miss_ratio(sums.all());
  const double difference = std::abs(slow_ratio - miss_ratio(fast.all()));
  if (difference > std::max(kJump, kJumpShare * slow_ratio)) sums = fast;
  CurveSums all = all_;
  all.add(window_.sums);
  Result result{.sums = std::move(sums), .all_sums = std::move(all), .sampled_share = sample().share()};
  for (size_t size = 0; size < kCurveSizes; ++size) result.were_full[size] = miniatures_[size].was_full();
  return result;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_CURVE_CURVE_INL_H_
