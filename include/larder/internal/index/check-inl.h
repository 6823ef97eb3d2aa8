// The invariants of a stripe: see lib/DESIGN.md.
#ifndef LARDER_INTERNAL_INDEX_CHECK_INL_H_
#define LARDER_INTERNAL_INDEX_CHECK_INL_H_

#include <vector>

#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/internal/index/index.h"

namespace larder::internal {

// Whether a search that follows stale buckets gets from the home of `tag` to bucket `number`.
LARDER_INLINE bool Index::can_be_found(const Page& page, uint32_t tag, uint32_t number) {
  for (uint32_t way = page.home(tag); way != number; way = (way + 1) % page.bucket_count()) {
    const uint64_t control = page.bucket(way).control.load(std::memory_order_relaxed);
    if (page.is_current(control) || Bucket::overflow_count(control) == 0) return false;
  }
  return true;
}

LARDER_INLINE absl::Status Index::assert_valid(Stripe& stripe) const {
  for (uint32_t tag = 0; tag < Slot::kTagCount;) {
    const Page page = locate(stripe, tag);
    const uint32_t end = page.end_tag(tag);
    uint32_t used = 0;
    std::vector<uint32_t> passed(page.bucket_count(), 0);
    for (uint32_t b = 0; b < page.bucket_count(); ++b) {
      const Bucket& bucket = page.bucket(b);
      const uint64_t control = bucket.control.load(std::memory_order_relaxed);
      if (Bucket::is_changing(control)) return absl::InternalError("a bucket's sequence is odd at rest");
      for (const auto& word : bucket.slots) {
        const Slot slot(word.load());
        if (slot.is_empty()) continue;
        ++used;
        if (slot.tag() < tag || slot.tag() >= end) return absl::InternalError("a slot lies in another tag's page");
        if (!page.is_current(control)) {
          if (can_be_found(page, slot.tag(), b)) continue;
          return absl::InternalError("a void slot cannot be found any more");
        }
        for (uint32_t way = page.home(slot.tag()); way != b; way = (way + 1) % page.bucket_count()) ++passed[way];
      }
    }
    if (used != slots_used(page)) {
      return absl::InternalError(
          absl::StrCat("page ", page.first_unit, " counts ", slots_used(page), " slots, has ", used));
    }
    for (uint32_t b = 0; b < page.bucket_count(); ++b) {
      const uint64_t control = page.bucket(b).control.load(std::memory_order_relaxed);
      if (page.is_current(control) && Bucket::overflow_count(control) < Bucket::kOverflowMask &&
          Bucket::overflow_count(control) != passed[b]) {
        return absl::InternalError(absl::StrCat("bucket ", b, " of page ", page.first_unit, " counts ",
                                                Bucket::overflow_count(control), " slots beyond it, there are ",
                                                passed[b]));
      }
    }
    tag = end;
  }
  return absl::OkStatus();
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_CHECK_INL_H_
