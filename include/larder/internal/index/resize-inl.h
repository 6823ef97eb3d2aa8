// Pages that grow, split, shrink and merge.
#ifndef LARDER_INTERNAL_INDEX_RESIZE_INL_H_
#define LARDER_INTERNAL_INDEX_RESIZE_INL_H_

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "larder/api.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/index/index.h"

namespace larder::internal {

// Empties the page, including stale slots, and returns its slots.
LARDER_INLINE void Index::take_all(Stripe& stripe, const Page& page, SlotList& list) const {
  for (uint32_t b = 0; b < page.bucket_count(); ++b) {
    clear_stale(stripe, page, b);
    Bucket& bucket = page.bucket(b);
    const BucketChange change(bucket);
    for (auto& word : bucket.slots) {
      if (word.load() == 0) continue;
      list.slots[list.size++] = Slot(word.exchange(0));
      --slots_used(page);
    }
    bucket.control.fetch_and(~Bucket::kOverflowMask, std::memory_order_relaxed);
  }
}

LARDER_INLINE uint32_t Index::units_for(size_t slots) {
  uint32_t units = 1;
  while (units < kPageUnitsMax && slots > units * (kFullSlotsPerUnit * 3 / 4)) ++units;
  return units;
}

LARDER_INLINE bool Index::add_first_page(Stripe& stripe) {
  const std::optional<Page> page = new_page(1, 0, stripe.generation.load() & Bucket::kGenerationMask);
  if (!page) return false;
  const LayoutChange change(stripe);
  enter(stripe, *page, 0);
  stripes_with_page_.fetch_add(1);
  const uint32_t number = number_of(stripe);
  with_page_[number / 64].fetch_or(uint64_t{1} << number % 64);
  return true;
}

LARDER_INLINE bool Index::grow(Stripe& stripe, const Page& page, uint32_t tag) {
  if (page.units == kPageUnitsMax) return page.depth < kPageDepthMax && split(stripe, page, tag);
  const std::optional<Page> larger = new_page(page.units + 1, page.depth, page.generation);
  if (!larger) return false;
  rebuild(stripe, page.first_tag(tag), {{page}}, {{*larger}});
  return true;
}

LARDER_INLINE bool Index::split(Stripe& stripe, const Page& page, uint32_t tag) {
  // Checked before all buckets are read.
  if (!memory_.has_room_for(kPagesOfSplit)) return false;
  if (page.depth == stripe.depth() && !double_directory(stripe)) return false;
  const int depth = page.depth + 1;
  const uint32_t first_tag = page.first_tag(tag);
  const uint32_t middle = first_tag + (Slot::kTagCount >> depth);
  size_t upper_count = 0;
  for (uint32_t b = 0; b < page.bucket_count(); ++b) {
    clear_stale(stripe, page, b);
    for (const auto& word : page.bucket(b).slots) {
      const Slot slot(word.load());
      if (!slot.is_empty() && slot.tag() >= middle) ++upper_count;
    }
  }
  const std::optional<Page> lower = new_page(units_for(slots_used(page) - upper_count), depth, page.generation);
  if (!lower) return false;
  absl::Cleanup give_back = [&] { memory_.free(lower->first_unit, lower->units); };
  const std::optional<Page> upper = new_page(units_for(upper_count), depth, page.generation);
  if (!upper) return false;
  std::move(give_back).Cancel();
  rebuild(stripe, first_tag, {{page}}, {{*lower, *upper}});
  return true;
}

LARDER_INLINE void Index::shrink(Stripe& stripe, uint32_t tag) {
  for (;;) {
    const Page page = locate(stripe, tag);
    if (page.units == 1) {
      if (!merge(stripe, page, tag)) return;
      continue;
    }
    if (slots_used(page) > (page.units - 1) * kSparseSlotsPerUnit) return;
    rebuild(stripe, page.first_tag(tag), {{page}}, {{moved_down(page, page.units - 1)}});
  }
}

// Joins a page of one unit with the one it was split from, if that is as small and both fit into one.
LARDER_INLINE bool Index::merge(Stripe& stripe, const Page& page, uint32_t tag) {
  if (page.depth == 0) return false;
  const uint32_t buddy_tag = page.first_tag(tag) ^ (Slot::kTagCount >> page.depth);
  const Page buddy = locate(stripe, buddy_tag);
  if (buddy.depth != page.depth || buddy.units != 1 || slots_used(page) + slots_used(buddy) > kSparseSlotsPerUnit) {
    return false;
  }
  Page joined = moved_down(page.first_unit < buddy.first_unit ? page : buddy, 1);
  --joined.depth;
  rebuild(stripe, joined.first_tag(tag), {{page, buddy}}, {{joined}});
  return true;
}

LARDER_INLINE void Index::rebuild(Stripe& stripe, uint32_t first_tag, std::span<const Page> from,
                                  std::span<const Page> to) {
  const LayoutChange change(stripe);
  SlotList list;
  for (const Page& page : from) take_all(stripe, page, list);
  const uint32_t tags_each = Slot::kTagCount >> to.front().depth;
  for (size_t i = 0; i < list.size; ++i) {
    place(stripe, to[(list.slots[i].tag() - first_tag) / tags_each], list.slots[i]);
  }
  for (const Page& page : to) {
    enter(stripe, page, first_tag);
    first_tag += tags_each;
  }
  for (Page page : from) {
    const auto stays = std::ranges::find(to, page.first_unit, &Page::first_unit);
    const uint32_t kept_units = stays == to.end() ? 0 : stays->units;
    if (page.units > kept_units) memory_.free(page.first_unit + kept_units, page.units - kept_units);
  }
}

LARDER_INLINE void Index::enter(Stripe& stripe, const Page& page, uint32_t tag) const {
  RelaxedAtomic<uint32_t>* const first = &stripe.entry(page.first_tag(tag));
  const uint32_t count = uint32_t{1} << (stripe.depth() - page.depth);
  for (uint32_t i = 0; i < count; ++i) first[i].store(page.encoded());
}

LARDER_INLINE bool Index::double_directory(Stripe& stripe) {
  auto doubled = std::make_unique<const Directory>(stripe.depth() + 1);
  const uint32_t entries = uint32_t{1} << doubled->depth;
  if (!account_.try_charge(Use::kIndex, entries * sizeof(uint32_t))) return false;
  for (uint32_t i = 0; i < entries; ++i) {
    const uint32_t first_tag = i << (Slot::kTagBits - doubled->depth);
    doubled->entries[i].store(stripe.entry(first_tag).load());
  }
  install(stripe, std::move(doubled));
  return true;
}

LARDER_INLINE void Index::install(Stripe& stripe, std::unique_ptr<const Directory> directory) {
  // Release: with the acquire of lock-free searches, for its contents.
  stripe.directory.store(directory.get(), std::memory_order_release);
  const MutexLock lock(directories_mutex_);
  directories_.push_back(std::move(directory));
}

LARDER_INLINE std::optional<Page> Index::new_page(uint32_t units, int depth, uint64_t generation) {
  const std::optional<uint32_t> first_unit = memory_.allocate(units);
  if (!first_unit) return std::nullopt;
  return Page{.first_unit = *first_unit,
              .units = units,
              .depth = depth,
              .buckets = buckets_at(*first_unit),
              .generation = generation};
}

LARDER_INLINE Page Index::moved_down(const Page& page, uint32_t units) {
  Page moved = page;
  moved.units = units;
  moved.first_unit = memory_.allocate(units, page.first_unit).value_or(page.first_unit);
  moved.buckets = buckets_at(moved.first_unit);
  return moved;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_RESIZE_INL_H_
