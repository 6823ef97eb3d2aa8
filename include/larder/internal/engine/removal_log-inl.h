#ifndef LARDER_INTERNAL_ENGINE_REMOVAL_LOG_INL_H_
#define LARDER_INTERNAL_ENGINE_REMOVAL_LOG_INL_H_

#include <algorithm>
#include <bit>
#include <optional>

#include "larder/api.h"
#include "larder/internal/engine/removal_log.h"

namespace larder::internal {

// The parts of an entry. All bits from kLevelShift on are what entries are told apart by. The level is stored as
// one more, so that no entry is 0.
inline constexpr uint64_t kWentMask = (uint64_t{1} << 28) - 1;  // seconds: after 8.5 years they start anew
inline constexpr int kWhyShift = 28;
inline constexpr uint64_t kWhyMask = 7;
inline constexpr int kLivedShift = 31;
inline constexpr uint64_t kLivedMask = 0xff;
inline constexpr int kReadBit = 39;
inline constexpr int kMainBit = 40;
inline constexpr int kLargeBit = 41;
inline constexpr int kLevelShift = 42;
inline constexpr uint64_t kLevelMask = 0xf;
inline constexpr int kFingerprintShift = 46;

// A length of time in eight bits, to a sixteenth: 0 is unknown, and the others are one more than a number with
// three bits after its first one, which comes first in `code` as how far it is shifted.
inline uint64_t encoded_lived(std::optional<uint32_t> lived_s) {
  if (!lived_s) return 0;
  const uint64_t seconds = *lived_s;
  if (seconds < 16) return 1 + seconds;
  const int shift = std::bit_width(seconds) - 4;
  const uint64_t rounded = (seconds + (uint64_t{1} << (shift - 1))) >> shift;  // 8..16
  return 1 + (static_cast<uint64_t>(shift) << 3) + rounded;
}
inline std::optional<uint32_t> decoded_lived(uint64_t code) {
  if (code == 0) return std::nullopt;
  --code;
  if (code < 16) return static_cast<uint32_t>(code);
  const uint64_t shift = (code >> 3) - 1;
  return static_cast<uint32_t>(std::min<uint64_t>((8 + (code & 7)) << shift, UINT32_MAX));
}

// Independent of the bits that select the set, and of those of the tag.
inline uint64_t identity_of(uint64_t hash, int level) {
  constexpr uint64_t kOddNumber = 0x9e37'79b9'7f4a'7c15;
  return (hash * kOddNumber) >> kFingerprintShift << kFingerprintShift | static_cast<uint64_t>(level + 1)
                                                                             << kLevelShift;
}
inline bool are_alike(uint64_t entry, uint64_t identity) { return (entry ^ identity) >> kLevelShift == 0; }
inline int level_in(uint64_t entry) { return static_cast<int>(entry >> kLevelShift & kLevelMask) - 1; }
// Other threads' time may be a little ahead of `now_s`.
inline uint32_t age_in(uint64_t entry, uint32_t now_s) {
  constexpr uint64_t kAheadMaxS = 60;
  const uint64_t age_s = (now_s - entry) & kWentMask;
  return age_s > kWentMask - kAheadMaxS ? 0 : static_cast<uint32_t>(age_s);
}

LARDER_INLINE std::optional<uint32_t> changed_at_s(const Stripe& stripe, const Content& content) {
  if (content.cas == 0 || content.is_cas_whole) return std::nullopt;
  return stripe.change_clock.time_of(content.cas);
}

LARDER_INLINE bool was_read(Slot slot, const Content& content) {
  return content.has(kMarkTracked) ? content.has(kMarkFetched) : slot.frequency() > 0;
}

LARDER_INLINE RemovalLog::RemovalLog(Account& account, AddressSpace& space, int uneven_bits, uint32_t space_count)
    : table_(kSize, account, space, uneven_bits),
      flushed_ms_(std::make_unique<RelaxedAtomic<int64_t>[]>(space_count)) {
  for (uint32_t of = 0; of < space_count; ++of) flushed_ms_[of].store(kNeverFlushed);
  // Without memory there is no log.
  (void)table_.make();
  restart(0);
}

LARDER_INLINE void RemovalLog::restart(uint32_t now_s) {
  // Without a table as few as possible come here.
  mask_.store(table_.set_count() > 0 ? 0 : (1u << kLevelMax) - 1);
  pressure_.store(0);
  begin_count(now_s);
  for (RelaxedAtomic<uint32_t>& since_s : followed_since_s_) since_s.store(now_s);
}

LARDER_INLINE void RemovalLog::resize(uint32_t now_s) {
  if (table_.resize()) restart(now_s);
}

LARDER_INLINE void RemovalLog::add(uint64_t hash, const Stripe& stripe, Slot slot, const Log& log, int64_t now_ms,
                                   Removal why) {
  const Content content = log.record_at(slot.address()).content();
  if (content.is_hidden()) return;
  const Segment& segment = log.segment(log.segment_of(slot.address()));
  const uint32_t now_s = whole_seconds(now_ms);
  Gone gone{.why = why,
            .was_read = was_read(slot, content),
            .chain = segment.chain.load(),
            .is_large = segment.is_large.load()};
  if (const std::optional<uint32_t> at_s = changed_at_s(stripe, content)) {
    gone.lived_s = now_s - std::min(now_s, *at_s);
  }
  add(hash, slot.tag(), gone, now_s);
}

LARDER_INLINE void RemovalLog::add(uint64_t hash, uint32_t tag, const Gone& gone, uint32_t now_s) {
  const std::optional<Table::Set> set = table_.set_of(hash);
  if (!set) return;
  follow_traffic(now_s);
  const uint64_t identity = identity_of(hash, level_of(tag));
  const uint64_t entry = identity | static_cast<uint64_t>(gone.is_large) << kLargeBit |
                         static_cast<uint64_t>(gone.chain == Chain::kMain) << kMainBit |
                         static_cast<uint64_t>(gone.was_read) << kReadBit |
                         encoded_lived(gone.lived_s) << kLivedShift | static_cast<uint64_t>(gone.why) << kWhyShift |
                         (now_s & kWentMask);
  // What is worth least: an empty entry, then one that is no longer followed, the oldest first.
  constexpr uint64_t kNoLongerFollowed = uint64_t{1} << 32;
  constexpr uint64_t kEmpty = UINT64_MAX;
  const int level_now = level();
  RelaxedAtomic<uint64_t>* victim = nullptr;
  uint64_t victim_rank = 0;
  for (RelaxedAtomic<uint64_t>& way : *set) {
    const uint64_t there = way.load();
    if (are_alike(there, identity)) return way.store(entry);
    uint64_t rank = there == 0 ? kEmpty : age_in(there, now_s);
    if (there != 0 && level_in(there) < level_now) rank += kNoLongerFollowed;
    if (victim == nullptr || rank > victim_rank) {
      victim = &way;
      victim_rank = rank;
    }
  }
  victim->store(entry);
  // All threads write what is counted here: one key in kCounted stands for the others.
  if (hash % kCounted != 0) return;
  added_.fetch_add(kCounted);
  if (victim_rank < kNoLongerFollowed) note_overwritten(static_cast<uint32_t>(victim_rank), now_s);
}

// It rises as long as more than a quarter of what is overwritten is too young; some sets are always fuller than
// others. It takes many entries to come to a decision.
LARDER_INLINE void RemovalLog::note_overwritten(uint32_t age_s, uint32_t now_s) {
  constexpr int32_t kYoungWeight = 3;
  const int32_t step = static_cast<int32_t>(kCounted) * (age_s < kReachS ? kYoungWeight : -1);
  if (step < 0 && pressure_.load() <= 0) return;
  const int32_t pressure = pressure_.fetch_add(step) + step;
  const auto bound = static_cast<int32_t>(table_.set_count() * Table::kWays / 4);
  if (pressure < bound) return;
  // Of several threads, one decides.
  if (pressure_.exchange(0) < bound) return;
  uint32_t mask = mask_.load();
  if (std::popcount(mask) < kLevelMax && mask_.compare_exchange_strong(mask, mask << 1 | 1)) begin_count(now_s);
}

LARDER_INLINE void RemovalLog::begin_count(uint32_t now_s) {
  counted_since_s_.store(now_s);
  added_.store(0);
}

LARDER_INLINE void RemovalLog::follow_traffic(uint32_t now_s) {
  uint32_t mask = mask_.load();
  uint32_t since_s = counted_since_s_.load();
  if (mask == 0 || now_s < since_s || now_s - since_s < kReachS) return;
  const size_t entries = table_.set_count() * Table::kWays;
  // Of several threads, one decides.
  if (entries == 0 || !counted_since_s_.compare_exchange_strong(since_s, now_s)) return;
  const uint64_t reach_s = uint64_t{entries} * (now_s - since_s) / std::max(added_.exchange(0), 1u);
  // The log reaches half as far back with each level.
  const int spare = std::bit_width(reach_s / (2 * kReachS)) - 1;
  const int level = std::popcount(mask);
  const int level_after = level - std::clamp(spare, 0, level);
  if (level_after == level) return;
  for (int of = level_after; of < level; ++of) followed_since_s_[static_cast<size_t>(of)].store(now_s);
  mask_.compare_exchange_strong(mask, (1u << level_after) - 1);
}

LARDER_INLINE RemovalLog::Answer RemovalLog::find(uint64_t hash, uint32_t tag, uint32_t now_s) const {
  Answer answer;
  const std::optional<Table::Set> set = table_.set_of(hash);
  if (!set) return answer;
  answer.is_followed = follows(tag);
  answer.share_followed = 1.0 / (uint64_t{mask_.load()} + 1);
  const int level_of_key = level_of(tag);
  const uint32_t since_s = followed_since_s_[static_cast<size_t>(std::max(level_of_key, level()))].load();
  answer.reach_s = now_s - std::min(now_s, since_s);
  const uint64_t identity = identity_of(hash, level_of_key);
  // What was overwritten was the oldest of its set. If a way is empty, nothing was.
  bool is_full = true;
  uint32_t oldest_s = 0;
  for (const RelaxedAtomic<uint64_t>& way : *set) {
    const uint64_t there = way.load();
    if (there == 0) {
      is_full = false;
      continue;
    }
    const uint32_t age_s = age_in(there, now_s);
    oldest_s = std::max(oldest_s, age_s);
    if (!answer.is_followed || !are_alike(there, identity) || age_s > answer.reach_s) continue;
    answer.entry = Entry{.gone = {.why = static_cast<Removal>(there >> kWhyShift & kWhyMask),
                                  .lived_s = decoded_lived(there >> kLivedShift & kLivedMask),
                                  .was_read = (there >> kReadBit & 1) != 0,
                                  .chain = (there >> kMainBit & 1) != 0 ? Chain::kMain : Chain::kSmall,
                                  .is_large = (there >> kLargeBit & 1) != 0},
                         .age_s = age_s};
  }
  if (is_full) answer.reach_s = std::min(answer.reach_s, oldest_s);
  return answer;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_REMOVAL_LOG_INL_H_
