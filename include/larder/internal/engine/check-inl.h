// The invariants of the whole cache: see lib/DESIGN.md.
#ifndef LARDER_INTERNAL_ENGINE_CHECK_INL_H_
#define LARDER_INTERNAL_ENGINE_CHECK_INL_H_

#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/internal/engine/engine.h"

namespace larder::internal {

LARDER_INLINE absl::Status Engine::assert_valid() {
  const RemovalQueue::Delivery delivery(removals());
  return cleaner_->while_resting(now_ms(), [&] { return check_all(); });
}

LARDER_INLINE absl::Status Engine::check_all() {
  if (absl::Status status = log_->assert_valid(); !status.ok()) return status;
  std::unordered_map<SegmentId, uint64_t> live_bytes;
  absl::Status status;
  for (uint32_t number = 0; number < index_->stripe_count() && status.ok(); ++number) {
    Stripe& stripe = index_->stripe(number);
    const Index::StripeLock lock(*index_, stripe);
    status = index_->assert_valid(stripe);
    StripeSums sums;
    for (uint32_t tag = 0; tag < Slot::kTagCount && status.ok();) {
      tag = index_->for_each_in_page(stripe, tag, [&](Slot slot) {
        if (status.ok()) status = check_slot(stripe, slot);
        if (!status.ok()) return;
        const size_t record_bytes = log_->record_at(slot.address()).live_bytes();
        live_bytes[log_->segment_of(slot.address())] += record_bytes;
        sums += Index::share(record_bytes, is_hidden(slot));
      });
    }
    if (const StripeSums counted = Index::sums(stripe); status.ok() && counted != sums) {
      status = absl::InternalError(absl::StrCat("stripe ", number, " counts ", counted.items, " items of ",
                                                counted.item_bytes, " bytes and ", counted.hidden_bytes,
                                                " hidden bytes, has ", sums.items, " of ", sums.item_bytes, " and ",
                                                sums.hidden_bytes));
    }
  }
  if (!status.ok()) return status;
  for (uint32_t space = 1; space < index_->namespaces().count(); ++space) {
    if (!quota_->is_limited(space)) continue;
    const uint64_t sum = index_->sums(space).bytes();
    if (const uint64_t counted = index_->limited(space); counted != sum) {
      return absl::InternalError(
          absl::StrCat("namespace ", space, " counts ", counted, " bytes, its stripes have ", sum));
    }
  }
  if (options_.items_max != 0) {
    const uint64_t sum = index_->sums().items;
    if (const uint64_t counted = index_->limited(index_->namespaces().count()); counted != sum) {
      return absl::InternalError(absl::StrCat(counted, " items are counted, the stripes have ", sum));
    }
  }
  log_->for_each_segment([&](SegmentId id) {
    const uint64_t counted = log_->segment(id).live_bytes.load(std::memory_order_relaxed);
    // What a flush made stale counts as live until the cleaner comes by.
    const bool may_hold_stale = index_->has_flushed();
    if (counted < live_bytes[id] || (counted > live_bytes[id] && !may_hold_stale)) {
      status = absl::InternalError(
          absl::StrCat("segment ", id, " counts ", counted, " live bytes, slots point at ", live_bytes[id]));
    }
  });
  return status;
}

LARDER_INLINE absl::Status Engine::check_slot(const Stripe& stripe, Slot slot) const {
  const SegmentId id = log_->segment_of(slot.address());
  const Segment& segment = log_->segment(id);
  if (slot.address() >= log_->end_of(id)) return absl::InternalError("a slot points behind its segment's records");
  const Record record = log_->record_at(slot.address());
  const uint64_t hash = index_->hash(record.key());
  if (&index_->stripe_of(hash) != &stripe || index_->tag_of(hash) != slot.tag()) {
    return absl::InternalError("a slot points at a record of another key");
  }
  const int64_t deadline = record.content().deadline_ms;
  if (deadline > segment.deadline_max_ms.load()) {
    return absl::InternalError("a record's deadline is behind its segment's last");
  }
  return absl::OkStatus();
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_CHECK_INL_H_
