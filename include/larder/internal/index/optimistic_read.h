// Searching a stripe without its lock: copy what is found, then validate that nothing that was read has changed
// meanwhile.
//
// A thread that changes anything in a stripe holds its mutex. An optimistic read does not:
//
//   state                      cause                                what an optimistic read does
//   ─────────────────────────  ───────────────────────────────────  ─────────────────────────────────────────────
//   layout even, bucket even   at rest                              reads, copies, reads both numbers again
//   bucket odd                 a slot or its record being changed   must retry
//   bucket changed since       one change or more is complete       must retry
//   layout odd or changed      a page grows, shrinks, splits or     must retry
//                              merges
//
// Why a read that need not retry is correct:
//  1. All it read of the stripe was true at one moment. It reads layout and buckets before their contents, and
//     again after all contents, with an acquire fence between. A writer makes the number odd, then (release fence)
//     writes, then stores the next even number with release. A reader that reads anything of a change therefore
//     sees the number changed. Where a page was, there may later be another one, of another stripe, or memory
//     without sequence numbers. But a page leaves its place only within a change of its stripe's layout, whose
//     number has 64 bits and never wraps around. That change happened before the memory was allocated again
//     (through the mutex of IndexMemory), and a release fence comes before any change of what is there then
//     (BucketChange), so a reader that reads anything of the later page sees the layout changed.
//  2. The record it copied is whole. A record changes in place only inside a change of its bucket. Its memory is
//     written as another record only after its slot was removed, again inside a change of its bucket, which
//     happened before the room was reserved again (through the log's mutex and fill word). Record::create puts a
//     release fence before its first byte, so a reader that copies a byte of the new record sees the bucket
//     changed. Memory that went back to the system reads as zeros, and only after such a change, too.
//  3. What it reads before the validation may be garbage, but does no harm: addresses in slots are inside the
//     arena, which is never unmapped; sizes found in a record are compared with its room before they are used; an
//     old directory stays readable as long as the stripe.
//  4. It is linearizable: everything was true at the moment before the first number is read again, which is within
//     the call. The flush generation is read before the bucket, and a bucket of another generation is left to the
//     locked path, so an item removed by a flush that has returned is never found.
//
// An optimistic read writes nothing but a slot's frequency, with a compare-and-swap on the whole slot, until the
// frequency is at its maximum. If the slot has changed meanwhile, the use is not counted.
#ifndef LARDER_INTERNAL_INDEX_OPTIMISTIC_READ_H_
#define LARDER_INTERNAL_INDEX_OPTIMISTIC_READ_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "larder/internal/base/atomic.h"
#include "larder/internal/index/bucket.h"
#include "larder/internal/index/page.h"
#include "larder/internal/index/slot.h"
#include "larder/internal/index/stripe.h"

namespace larder::internal {

// A search that is not over after this many buckets takes the lock.
inline constexpr uint32_t kProbedBucketsMax = 8;

// What the caller found at a slot's address.
enum class Match : uint8_t { kWanted, kOther, kNeedsLock };

// The result of an optimistic read. Two 8-byte members, so that it is returned in registers.
class OptimisticResult {
 public:
  static OptimisticResult found(RelaxedAtomic<uint64_t>& slot, Slot seen) { return {&slot, seen}; }
  static OptimisticResult missing() { return {nullptr, Slot()}; }
  static OptimisticResult retry() { return {nullptr, Slot(1)}; }

  // What was taken for the wanted record is that record, and whole.
  [[nodiscard]] bool is_found() const { return slot_ != nullptr; }
  // There is no such record.
  [[nodiscard]] bool is_missing() const { return slot_ == nullptr && seen_.is_empty(); }
  // Something changed meanwhile, or needs the lock: search again, or with the lock.
  [[nodiscard]] bool must_retry() const { return slot_ == nullptr && !seen_.is_empty(); }

  // For a found record.
  void mark_used() const { internal::mark_used(*slot_, seen_); }

 private:
  OptimisticResult(RelaxedAtomic<uint64_t>* slot, Slot seen) : slot_(slot), seen_(seen) {}

  RelaxedAtomic<uint64_t>* slot_;  // it may have changed since
  Slot seen_;
};

// A search under way: its position, and the numbers that must not have changed in the end. Each step needs memory
// that the step before has prefetched, so that many searches can wait at the same time: Index::start_probe,
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
    return Slot(bucket->slots[slot].load()).address();
  }

  Stripe* stripe;
  uint64_t layout;
  uint32_t tag;
  Page page;
  Bucket* bucket;  // where the search starts
  // Set by load_bucket.
  uint32_t matches;
  uint64_t control;
};

// Searches one bucket; the result is not validated yet. Inlined in its callers: see atomic_copy.h on how many
// instructions a lookup may have.
template <class Take>
[[nodiscard, gnu::always_inline]] inline OptimisticResult find_in_bucket(Bucket& bucket, uint32_t matches,
                                                                         Take&& take) {
  for (; matches != 0; matches &= matches - 1) {
    auto& word = bucket.slots[static_cast<size_t>(std::countr_zero(matches))];
    const Slot slot(word.load());
    if (slot.is_empty()) continue;
    const Match match = take(slot.address());
    if (match == Match::kWanted) return OptimisticResult::found(word, slot);
    if (match == Match::kNeedsLock) return OptimisticResult::retry();
  }
  return OptimisticResult::missing();
}

// Like optimistic_find, but must retry if the search does not end in its first bucket, as nearly all do.
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

// Starts again, for a search that does not end in its first bucket or meets a stale generation.
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
      // Nothing there can be the record; but a search with the lock must report a stale slot of this tag.
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

// take(address) copies what may be the record, and returns whether it seems to be the wanted one. Its copy is
// valid only if the result is found.
template <class Take>
[[nodiscard]] inline OptimisticResult optimistic_find(const Probe& probe, Take&& take) {
  const OptimisticResult result = optimistic_find_at_home(probe, take);
  const bool goes_on = Bucket::overflow_count(probe.control) != 0 || !probe.page.is_current(probe.control);
  return result.must_retry() && goes_on ? optimistic_find_further(probe, take) : result;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_OPTIMISTIC_READ_H_
