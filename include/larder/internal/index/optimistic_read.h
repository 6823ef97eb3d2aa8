// Searching a stripe without its lock: copy what is found, then make sure that nothing looked at has changed
// meanwhile.
//
// Whoever changes anything of a stripe holds its mutex. An optimistic read does not:
//
//   state                      who may cause it                     what an optimistic read does
//   ─────────────────────────  ───────────────────────────────────  ─────────────────────────────────────────────
//   layout even, bucket even   at rest                              reads, copies, reads both numbers again
//   bucket odd                 a slot or its record being changed   must retry
//   bucket changed since       one change or more is complete       must retry
//   layout odd or changed      a page grows, shrinks, splits or     must retry
//                              merges
//
// Why one that need not retry is right:
//  1. All it read of the stripe is as it was at one moment. Layout and buckets are read before their contents and
//     again after all contents, with an acquire fence between; a writer makes the number odd, then (release fence)
//     writes, then stores the next even number with release. Whoever reads anything of a change therefore sees the
//     number changed. Where a page lay, another one may lie later, of another stripe, or memory without sequence
//     numbers; but a page leaves its place only within a change of its stripe's layout, whose number has 64 bits
//     and never comes round. That change happened before the memory was given out anew (through the mutex of
//     IndexMemory), and before what is there is changed stands a release fence again (BucketChange), so that
//     whoever reads anything of the later page sees the layout changed.
//  2. What it copied of the record is whole. A record changes in place only inside a change of its bucket. Its
//     memory is written as another record only after its slot was removed, again inside a change of its bucket,
//     which happened before the room was given out anew (through the log's mutex and fill word); Record::create
//     puts a release fence before its first byte, so whoever copies a byte of the new record sees the bucket
//     changed. Memory that went back to the system reads as zeros, and only after such a change, too.
//  3. What it reads may be garbage until the numbers are read again, but never hurts: addresses in slots lie inside
//     the arena, which is never unmapped; sizes found in a record are compared with its room before they are used;
//     an old directory stays readable as long as the stripe.
//  4. It is linearizable: everything was so at the moment before the first number is read again, which is within
//  the
//     call. The flush generation is read before the bucket, and a bucket of another generation is left to those
//     with the lock, so an item removed by a flush that has returned is never found.
//
// An optimistic read writes nothing but a slot's frequency, with compare-and-swap on the whole slot, until that is
// full; if the slot has changed meanwhile, the use is not counted.
#ifndef LARDER_INTERNAL_INDEX_OPTIMISTIC_READ_H_
#define LARDER_INTERNAL_INDEX_OPTIMISTIC_READ_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "larder/internal/index/bucket.h"
#include "larder/internal/index/page.h"
#include "larder/internal/index/slot.h"
#include "larder/internal/index/stripe.h"

namespace larder::internal {

// A search that is not over after so many buckets is left to those with the lock.
inline constexpr uint32_t kProbedBucketsMax = 8;

// What the caller says of the memory that a slot points at.
enum class Match : uint8_t { kWanted, kOther, kNeedsLock };

// What an optimistic read found out. Two words, so that it is returned in registers.
class OptimisticResult {
 public:
  static OptimisticResult found(std::atomic<uint64_t>& slot, Slot seen) { return {&slot, seen}; }
  static OptimisticResult missing() { return {nullptr, Slot()}; }
  static OptimisticResult retry() { return {nullptr, Slot(1)}; }

  // What was taken for the wanted record was that record, whole.
  [[nodiscard]] bool is_found() const { return slot_ != nullptr; }
  // There is no such record.
  [[nodiscard]] bool is_missing() const { return slot_ == nullptr && seen_.is_empty(); }
  // Something changed meanwhile, or needs the lock: search again, or with the lock.
  [[nodiscard]] bool must_retry() const { return slot_ == nullptr && !seen_.is_empty(); }

  // Of what was found.
  void mark_used() const { internal::mark_used(*slot_, seen_); }

 private:
  OptimisticResult(std::atomic<uint64_t>* slot, Slot seen) : slot_(slot), seen_(seen) {}

  std::atomic<uint64_t>* slot_;  // it may have changed since
  Slot seen_;
};

// A search on its way: where it looks, and the numbers that must not have changed in the end. Each step needs
// memory that the one before it has prefetched, so that many searches can wait together: Index::start_probe,
// load_bucket, optimistic_find.
struct Probe {
  void load_bucket() {
    control = bucket->control.load(std::memory_order_acquire);
    matches = bucket->matches(tag);
  }
  // The address of a record that may be the wanted one, or 0.
  [[nodiscard]] uint64_t first_match_address() const {
    if (matches == 0) return 0;
    const auto slot = static_cast<size_t>(std::countr_zero(matches));
    return Slot(bucket->slots[slot].load(std::memory_order_relaxed)).address();
  }

  Stripe* stripe;
  uint64_t layout;
  uint32_t tag;
  Page page;
  Bucket* bucket;  // where the search begins
  // By load_bucket.
  uint32_t matches;
  uint64_t control;
};

// What one bucket has, as far as it can be believed. Inlined with what calls it: see atomic_copy.h on how many
// instructions a lookup may have.
template <class Take>
[[nodiscard, gnu::always_inline]] inline OptimisticResult find_in_bucket(Bucket& bucket, uint32_t matches,
                                                                         Take&& take) {
  for (; matches != 0; matches &= matches - 1) {
    auto& word = bucket.slots[static_cast<size_t>(std::countr_zero(matches))];
    const Slot slot(word.load(std::memory_order_relaxed));
    if (slot.is_empty()) continue;
    const Match match = take(slot.address());
    if (match == Match::kWanted) return OptimisticResult::found(word, slot);
    if (match == Match::kNeedsLock) return OptimisticResult::retry();
  }
  return OptimisticResult::missing();
}

// As optimistic_find, but must retry if the search does not end in its first bucket, as nearly all do.
template <class Take>
[[nodiscard, gnu::always_inline]] inline OptimisticResult optimistic_find_at_home(const Probe& probe, Take&& take) {
  if (probe.layout % 2 != 0 || !probe.page.is_current_at_rest(probe.control)) [[unlikely]]
    return OptimisticResult::retry();
  const OptimisticResult result = find_in_bucket(*probe.bucket, probe.matches, take);
  if (result.is_missing() && Bucket::overflow_count(probe.control) != 0) [[unlikely]]
    return OptimisticResult::retry();
  std::atomic_thread_fence(std::memory_order_acquire);
  if (probe.bucket->control.load(std::memory_order_relaxed) != probe.control ||
      probe.stripe->layout.load(std::memory_order_relaxed) != probe.layout) [[unlikely]] {
    return OptimisticResult::retry();
  }
  return result;
}

// All over again, for a search that does not end in its first bucket or meets a stale generation.
template <class Take>
[[nodiscard, gnu::noinline]] inline OptimisticResult optimistic_find_further(const Probe& probe, Take& take) {
  if (probe.layout % 2 != 0) return OptimisticResult::retry();
  const Page& page = probe.page;
  const uint32_t home = page.home(probe.tag);
  std::array<uint64_t, kProbedBucketsMax> controls;
  uint32_t probed = 0;
  OptimisticResult result = OptimisticResult::missing();
  for (bool is_over = false; !is_over && result.is_missing();) {
    if (probed == kProbedBucketsMax) return OptimisticResult::retry();
    Bucket& bucket = page.bucket(home + probed);
    const uint64_t control = bucket.control.load(std::memory_order_acquire);
    if (Bucket::is_changing(control)) return OptimisticResult::retry();
    controls[probed++] = control;
    is_over = Bucket::overflow_count(control) == 0;
    const uint32_t matches = bucket.matches(probe.tag);
    if (page.is_current(control)) {
      result = find_in_bucket(bucket, matches, take);
    } else {
      // Nothing there can be the record; but a stale slot of this tag is for a search with the lock to report.
      result = find_in_bucket(bucket, matches, [](uint64_t) { return Match::kNeedsLock; });
    }
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  for (uint32_t i = 0; i < probed; ++i) {
    if (page.bucket(home + i).control.load(std::memory_order_relaxed) != controls[i]) {
      return OptimisticResult::retry();
    }
  }
  if (probe.stripe->layout.load(std::memory_order_relaxed) != probe.layout) return OptimisticResult::retry();
  return result;
}

// take(address) copies what may be the record and says whether it seems to be the wanted one; what it copied is to
// be believed only if it is found.
template <class Take>
[[nodiscard]] inline OptimisticResult optimistic_find(const Probe& probe, Take&& take) {
  const OptimisticResult result = optimistic_find_at_home(probe, take);
  const bool goes_on = Bucket::overflow_count(probe.control) != 0 || !probe.page.is_current(probe.control);
  return result.must_retry() && goes_on ? optimistic_find_further(probe, take) : result;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_OPTIMISTIC_READ_H_
