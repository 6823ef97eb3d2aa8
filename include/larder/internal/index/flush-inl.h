// Flushes: a generation that is incremented, and the stale slots it leaves.
#ifndef LARDER_INTERNAL_INDEX_FLUSH_INL_H_
#define LARDER_INTERNAL_INDEX_FLUSH_INL_H_

#include <algorithm>

#include "larder/api.h"
#include "larder/internal/index/index.h"

namespace larder::internal {

LARDER_INLINE bool Index::has_flushed() const {
  return std::any_of(flushes_.get(), flushes_.get() + namespaces_.count(),
                     [](const Flushes& of) { return of.generation.load(std::memory_order_relaxed) != 0; });
}

LARDER_INLINE void Index::flush() {
  for (uint32_t space = 0; space < namespaces_.count(); ++space) flush(space);
}

LARDER_INLINE void Index::flush(uint32_t space) {
  Flushes& flushes = flushes_[space];
  flushes.generation.fetch_add(1, std::memory_order_acq_rel);
  // A bucket has only the low bits of its generation. Each flush therefore sweeps some stripes for buckets that
  // are a quarter of the range behind. Each stripe has its turn within half the range, so no bucket's bits become
  // current again.
  const uint32_t sweeps = 1 + stripes_per_space() / (Bucket::kGenerationMask / 2);
  for (uint32_t i = 0; i < sweeps; ++i) {
    const uint32_t turn = flushes.next_sweep.fetch_add(1);
    sweep(space * stripes_per_space() + turn % stripes_per_space());
  }
}

LARDER_INLINE void Index::sweep(uint32_t stripe_number) {
  Stripe& stripe = stripes_[stripe_number];
  const StripeLock lock(*this, stripe);
  for (uint32_t tag = 0; tag < Slot::kTagCount;) {
    const Page page = locate(stripe, tag);
    for (uint32_t b = 0; b < page.bucket_count(); ++b) {
      const uint64_t bucket_generation =
          page.bucket(b).control.load(std::memory_order_relaxed) >> Bucket::kGenerationShift;
      const uint64_t flushes_behind = (page.generation - bucket_generation) & Bucket::kGenerationMask;
      if (flushes_behind >= Bucket::kGenerationMask / 4) clear_stale(stripe, page, b);
    }
    tag = page.end_tag(tag);
    shrink(stripe, page.first_tag(tag - 1));
  }
}

LARDER_INLINE SlotPosition Index::find_flushed(Stripe& stripe, uint32_t tag) const {
  const Page page = locate(stripe, tag);
  const uint32_t home = page.home(tag);
  for (uint32_t distance = 0; distance < page.bucket_count(); ++distance) {
    Bucket& bucket = page.bucket(home + distance);
    const uint64_t control = bucket.control.load(std::memory_order_relaxed);
    for (int i = 0; i < kSlotsPerBucket; ++i) {
      const SlotPosition position{&bucket, i, home, distance};
      if (!page.is_current(control) && !position.get().is_empty() && position.get().tag() == tag) return position;
    }
    if (Bucket::overflow_count(control) == 0) break;
  }
  return {};
}

LARDER_INLINE bool Index::take_flushed(Stripe& stripe, uint32_t tag) {
  const SlotPosition position = find_flushed(stripe, tag);
  if (!position) return false;
  if (on_stale_) on_stale_(stripe, position.get());
  const BucketChange change(*position.bucket);
  position.bucket->slots[static_cast<size_t>(position.slot)].store(0);
  --slots_used(locate(stripe, tag));
  return true;
}

LARDER_INLINE void Index::purge(Stripe& stripe, uint32_t tag) {
  const Page page = locate(stripe, tag);
  clear_stale(stripe, page, page.home(tag));
  shrink(stripe, tag);
}

// Makes bucket `number` current if it is stale: drops its slots, and those in the stale buckets after it that its
// slots may have overflowed to. This keeps every stale slot where a search that follows stale buckets finds it. So
// the cleaner, which searches for each record of a segment under its stripe's mutex before the segment is reused
// (`purge`), leaves no slot, stale or not, that points into it: a slot's record is whole as long as the slot
// exists. Stops at the first current bucket: either this function made it current, and went on after it, or it is
// as the rebuilding of its page left it, and no stale slot overflowed past it.
LARDER_INLINE void Index::clear_stale(Stripe& stripe, const Page& page, uint32_t number) const {
  if (page.is_none()) return;
  for (;; ++number) {
    if (number >= page.bucket_count()) number -= page.bucket_count();
    Bucket& bucket = page.bucket(number);
    const uint64_t control = bucket.control.load(std::memory_order_relaxed);
    if (page.is_current(control)) return;
    clear(stripe, page, bucket);
    if (Bucket::overflow_count(control) == 0) return;
  }
}

LARDER_INLINE void Index::clear(Stripe& stripe, const Page& page, Bucket& bucket) const {
  if (on_stale_) {
    for (const auto& word : bucket.slots) {
      const Slot slot(word.load());
      if (!slot.is_empty()) on_stale_(stripe, slot);
    }
  }
  const BucketChange change(bucket);
  for (auto& word : bucket.slots) {
    if (word.load() == 0) continue;
    word.store(0);
    --slots_used(page);
  }
  const uint64_t sequence = bucket.control.load(std::memory_order_relaxed) >> Bucket::kSequenceShift;
  bucket.control.store((sequence << Bucket::kSequenceShift) | (page.generation << Bucket::kGenerationShift),
                       std::memory_order_relaxed);
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_FLUSH_INL_H_
