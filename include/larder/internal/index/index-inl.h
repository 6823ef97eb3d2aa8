#ifndef LARDER_INTERNAL_INDEX_INDEX_INL_H_
#define LARDER_INTERNAL_INDEX_INDEX_INL_H_

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/page_size.h"
#include "larder/internal/index/index.h"

namespace larder::internal {

// One stripe per this much of the limit: enough that threads seldom meet, and that work on a whole stripe is
// short.
inline constexpr size_t kLimitBytesPerStripe = size_t{512} << 10;
inline constexpr int kStripeBitsMin = 3;
inline constexpr int kStripeBitsMax = 22;

// Including those of the namespace.
inline int stripe_bits_for(size_t limit_bytes, int space_bits) {
  const int wanted_bits = static_cast<int>(std::bit_width(limit_bytes / kLimitBytesPerStripe)) - 1;
  return space_bits + std::clamp(wanted_bits - space_bits, kStripeBitsMin, kStripeBitsMax - space_bits);
}

LARDER_INLINE size_t Index::address_bytes(const Extent& extent, size_t limit_bytes, int space_bits) {
  return AddressSpace::bytes_to_take(stripe_bytes(size_t{1} << stripe_bits_for(limit_bytes, space_bits))) +
         IndexMemory::address_bytes(extent, limit_bytes);
}

LARDER_INLINE absl::StatusOr<std::unique_ptr<Index>> Index::create(Account& account, AddressSpace& space,
                                                                   uint64_t seed, Namespaces namespaces,
                                                                   OnStale on_stale) {
  const int stripe_bits = stripe_bits_for(account.limit(), namespaces.bits());
  const size_t stripes = size_t{namespaces.count()} << (stripe_bits - namespaces.bits());
  const size_t stripe_bytes = internal::stripe_bytes(stripes);
  Arena stripe_memory = space.take(stripe_bytes);
  if (!stripe_memory.make_writable(0, stripe_bytes)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory_limit_bytes: ", account.limit(), ": there is no memory for locks"));
  }
  account.charge(Use::kOther, stripe_bytes);
  if (stripes * kPageUnitBytes > account.headroom()) {
    return absl::ResourceExhaustedError(absl::StrCat("memory_limit_bytes: ", account.limit(), " is too small for ",
                                                     namespaces.count() - 1, " namespaces"));
  }
  auto index = std::unique_ptr<Index>(new Index(account, space, std::move(stripe_memory), seed,
                                                std::move(namespaces), std::move(on_stale), stripe_bits));
  if (!index->memory_.allocate(1)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory_limit_bytes: ", account.limit(), ": there is no memory for the index"));
  }
  return index;
}

LARDER_INLINE Index::Index(Account& account, AddressSpace& space, Arena stripe_memory, uint64_t seed,
                           Namespaces namespaces, OnStale on_stale, int stripe_bits)
    : account_(account),
      seed_(seed),
      space_bits_(namespaces.bits()),
      stripe_bits_(stripe_bits),
      on_stale_(std::move(on_stale)),
      stripe_memory_(std::move(stripe_memory)),
      stripes_(reinterpret_cast<Stripe*>(stripe_memory_.at(0))),
      with_page_(reinterpret_cast<RelaxedAtomic<uint64_t>*>(
          stripe_memory_.at((size_t{namespaces.count()} << (stripe_bits - namespaces.bits())) * sizeof(Stripe)))),
      memory_(account, space),
      flushes_(std::make_unique<Flushes[]>(namespaces.count())),
      limited_(namespaces.are_limited() ? std::make_unique<Limited[]>(namespaces.count() + 1) : nullptr),
      namespaces_(std::move(namespaces)) {}

LARDER_INLINE Index::~Index() = default;

LARDER_INLINE uint64_t Index::hash_in_namespace(std::string_view key, uint64_t hash) const {
  return uint64_t{namespaces_.of(key)} << (64 - space_bits_) | hash >> space_bits_;
}

// --- slots -------------------------------------------------------------------------------------------------

LARDER_INLINE Index::InsertResult Index::insert(Stripe& stripe, Slot slot) {
  Page page = locate(stripe, slot.tag());
  if (page.is_none()) [[unlikely]] {
    if (!add_first_page(stripe)) return memory_.can_grow() ? InsertResult::kNeedsMemory : InsertResult::kPageFull;
    page = locate(stripe, slot.tag());
  }
  clear_stale(stripe, page, page.home(slot.tag()));
  while (slots_used(page) >= page.units * kFullSlotsPerUnit) {
    if (!grow(stripe, page, slot.tag())) {
      const bool can_split = page.depth < kPageDepthMax;
      if (slots_used(page) >= page.units * kCrammedSlotsPerUnit) {
        const bool can_grow = (page.units < kPageUnitsMax || can_split) && memory_.can_grow();
        return can_grow ? InsertResult::kNeedsMemory : InsertResult::kPageFull;
      }
      break;
    }
    page = locate(stripe, slot.tag());
  }
  place(stripe, page, slot);
  return InsertResult::kInserted;
}

LARDER_INLINE void Index::place(Stripe& stripe, const Page& page, Slot slot) const {
  const uint32_t home = page.home(slot.tag());
  for (uint32_t distance = 0; distance < page.bucket_count(); ++distance) {
    clear_stale(stripe, page, home + distance);
    Bucket& bucket = page.bucket(home + distance);
    const BucketChange change(bucket);
    for (auto& word : bucket.slots) {
      if (word.load() != 0) continue;
      word.store(slot.word());
      ++slots_used(page);
      return;
    }
    add_overflow(bucket);
  }
  assert(false && "a page took more slots than it has");
}

LARDER_INLINE void Index::replace(Stripe&, const SlotPosition& position, Slot slot) {
  const BucketChange change(*position.bucket);
  position.bucket->slots[static_cast<size_t>(position.slot)].store(slot.word());
}

LARDER_INLINE void Index::erase(Stripe& stripe, const SlotPosition& position) {
  const uint32_t tag = position.get().tag();
  const Page page = locate(stripe, tag);
  {
    const BucketChange change(*position.bucket);
    position.bucket->slots[static_cast<size_t>(position.slot)].store(0);
  }
  for (uint32_t i = 0; i < position.distance; ++i) subtract_overflow(page.bucket(position.home + i));
  --slots_used(page);
  shrink(stripe, tag);
}

LARDER_INLINE SlotPosition Index::coldest_near(Stripe& stripe, uint32_t tag) const {
  const Page page = locate(stripe, tag);
  const uint32_t home = page.home(tag);
  Bucket& bucket = page.bucket(home);
  if (!page.is_current(bucket.control.load(std::memory_order_relaxed))) return {};
  SlotPosition coldest;
  for (int i = 0; i < kSlotsPerBucket; ++i) {
    const SlotPosition candidate{.bucket = &bucket, .slot = i, .home = home};
    if (candidate.get().is_empty() || page.home(candidate.get().tag()) != home) continue;
    if (!coldest || candidate.get().frequency() < coldest.get().frequency()) coldest = candidate;
  }
  return coldest;
}

LARDER_INLINE void Index::age(Stripe&, const SlotPosition& position) {
  RelaxedAtomic<uint64_t>& word = position.bucket->slots[static_cast<size_t>(position.slot)];
  uint64_t seen = word.load();
  const Slot slot(seen);
  if (slot.frequency() == 0) return;
  // Relaxed, and no retry: a failure is as if a use had come in between.
  word.compare_exchange_strong(seen, Slot(slot.tag(), slot.frequency() - 1, slot.address()).word());
}

LARDER_INLINE void Index::add_overflow(Bucket& bucket) {
  const uint64_t control = bucket.control.load(std::memory_order_relaxed);
  if (Bucket::overflow_count(control) < Bucket::kOverflowMask)
    bucket.control.store(control + 1, std::memory_order_relaxed);
}

LARDER_INLINE void Index::subtract_overflow(Bucket& bucket) {
  const BucketChange change(bucket);
  const uint64_t control = bucket.control.load(std::memory_order_relaxed);
  if (Bucket::overflow_count(control) < Bucket::kOverflowMask)
    bucket.control.store(control - 1, std::memory_order_relaxed);
}

// --- sums --------------------------------------------------------------------------------------------------

LARDER_INLINE void Index::refresh(Stripe& stripe) const {
  const uint64_t now = generation(space_of(stripe));
  if (stripe.generation.load() == now) return;
  count(stripe, {}, sums(stripe));
  stripe.generation.store(now);
}

LARDER_INLINE void Index::count(Stripe& stripe, const StripeSums& added, const StripeSums& removed) const {
  const auto change = [](RelaxedAtomic<uint64_t>& sum, uint64_t plus, uint64_t minus) {
    sum.store(sum.load() + plus - minus);
  };
  change(stripe.items, added.items, removed.items);
  change(stripe.item_bytes, added.item_bytes, removed.item_bytes);
  change(stripe.hidden_bytes, added.hidden_bytes, removed.hidden_bytes);
  if (limited_ != nullptr) {
    limited_[space_of(stripe)].amount.fetch_add(added.bytes() - removed.bytes());
    if (added.items != removed.items) limited_[namespaces_.count()].amount.fetch_add(added.items - removed.items);
  }
}

LARDER_INLINE StripeSums Index::sums(uint32_t space) const {
  StripeSums sums;
  const uint32_t begin = space * stripes_per_space();
  for_each_with_page(begin, begin + stripes_per_space(), [&](const Stripe& stripe) {
    if (stripe.generation.load() == generation(space)) sums += this->sums(stripe);
  });
  return sums;
}

template <class Visit>
void Index::for_each_with_page(uint32_t begin, uint32_t end, Visit&& visit) const {
  constexpr uint32_t kBits = 64;
  for (uint32_t i = begin; i < end;) {
    if (i % kBits == 0 && end - i >= kBits && with_page_[i / kBits].load() == 0) {
      i += kBits;
      continue;
    }
    if (has_page(i)) visit(stripes_[i]);
    ++i;
  }
}

LARDER_INLINE StripeSums Index::sums() const {
  StripeSums sums;
  for (uint32_t space = 0; space < namespaces_.count(); ++space) sums += this->sums(space);
  return sums;
}

// Of hashes, stripes have equal shares; and all namespaces have as many.
LARDER_INLINE StripeSums Index::estimated_sums(uint32_t stripes_max) const {
  StripeSums sums;
  const uint32_t step = 1 + (stripe_count() - 1) / stripes_max;
  uint64_t seen = 0;
  for (uint32_t i = 0; i < stripe_count(); i += step, ++seen) {
    if (!has_page(i) || stripes_[i].generation.load() != generation(space_of(stripes_[i]))) continue;
    sums += this->sums(stripes_[i]);
  }
  const auto scaled = [&](uint64_t sum) { return sum * stripe_count() / seen; };
  return {.items = scaled(sums.items),
          .item_bytes = scaled(sums.item_bytes),
          .hidden_bytes = scaled(sums.hidden_bytes)};
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_INDEX_INL_H_
