#include "larder/internal/index.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"

namespace larder::internal {
namespace {

// A stripe for so much of the limit: enough that threads seldom meet, and that what is done for a whole stripe at
// once stays short.
constexpr size_t kLimitBytesPerStripe = size_t{512} << 10;
constexpr int kStripeBitsMin = 3;
constexpr int kStripeBitsMax = 22;

// Address space costs nothing, so there is enough for a limit raised far beyond the first.
constexpr size_t kGrowthFactor = 4;
constexpr size_t kAddressBytesMin = size_t{4} << 30;

}  // namespace

absl::StatusOr<std::unique_ptr<Index>> Index::create(Account& account, uint64_t seed, Namespaces namespaces,
                                                     OnVoid on_void) {
  const int space_bits = namespaces.bits();
  const int wanted_bits = static_cast<int>(std::bit_width(account.limit() / kLimitBytesPerStripe)) - 1;
  const int stripe_bits =
      space_bits + std::clamp(wanted_bits - space_bits, kStripeBitsMin, kStripeBitsMax - space_bits);
  const size_t stripes = size_t{namespaces.count()} << (stripe_bits - space_bits);
  const size_t pages_max =
      std::min<size_t>(kPageIdMax, std::max(account.limit() * kGrowthFactor, kAddressBytesMin) / kPageStrideBytes);
  absl::StatusOr<Arena> pages = Arena::reserve(pages_max * kPageStrideBytes, "the index");
  if (!pages.ok()) return pages.status();
  absl::StatusOr<Arena> page_counts = Arena::reserve(pages_max * sizeof(uint16_t), "the index");
  if (!page_counts.ok()) return page_counts.status();

  account.charge(Use::kOther, stripes * sizeof(Stripe));
  auto index = std::unique_ptr<Index>(new Index(account, seed, std::move(namespaces), std::move(on_void),
                                                stripe_bits, *std::move(pages), *std::move(page_counts)));
  for (uint32_t i = 0; i < stripes; ++i) {
    Stripe& stripe = index->stripes_[i];
    stripe.space = i / index->stripes_per_space();
    const StripeLock lock(*index, stripe);
    Page page{.id = index->new_page_id().value(), .units = 0, .depth = 0, .buckets = nullptr, .generation = 0};
    if (!index->resize_page(page, 1)) {
      return absl::ResourceExhaustedError(absl::StrCat("memory_limit_bytes: ", account.limit(),
                                                       " is too small for ", index->namespaces_.count() - 1,
                                                       " namespaces"));
    }
    index->enter(stripe, page, 0);
  }
  return index;
}

Index::Index(Account& account, uint64_t seed, Namespaces namespaces, OnVoid on_void, int stripe_bits, Arena pages,
             Arena page_counts)
    : account_(account),
      seed_(seed),
      space_bits_(namespaces.bits()),
      stripe_bits_(stripe_bits),
      on_void_(std::move(on_void)),
      stripes_(std::make_unique<Stripe[]>(size_t{namespaces.count()} << (stripe_bits - space_bits_))),
      pages_(std::move(pages)),
      page_counts_(std::move(page_counts)),
      limited_(namespaces.are_limited() ? std::make_unique<LimitedBytes[]>(namespaces.count()) : nullptr),
      namespaces_(std::move(namespaces)) {}

Index::~Index() = default;

uint64_t Index::hash_in_namespace(std::string_view key, uint64_t hash) const {
  return uint64_t{namespaces_.of(key)} << (64 - space_bits_) | hash >> space_bits_;
}

// --- slots -------------------------------------------------------------------------------------------------

Index::InsertResult Index::insert(Stripe& stripe, Slot slot) {
  Page page = locate(stripe, slot.tag());
  clear_void(stripe, page, page.home(slot.tag()));
  while (slots_used(page.id) >= page.units * kFullSlotsPerUnit) {
    if (!grow(stripe, page, slot.tag())) {
      const bool can_split = page.depth < kDepthMax;
      if (slots_used(page.id) >= page.units * kCrammedSlotsPerUnit) {
        return page.units < kUnitsMax || can_split ? InsertResult::kNeedsMemory : InsertResult::kPageFull;
      }
      break;
    }
    page = locate(stripe, slot.tag());
  }
  place(stripe, page, slot);
  return InsertResult::kInserted;
}

void Index::place(Stripe& stripe, const Page& page, Slot slot) const {
  const uint32_t home = page.home(slot.tag());
  for (uint32_t distance = 0; distance < page.bucket_count(); ++distance) {
    clear_void(stripe, page, home + distance);
    Bucket& bucket = page.bucket(home + distance);
    const BucketChange change(bucket);
    for (auto& word : bucket.slots) {
      if (word.load(std::memory_order_relaxed) != 0) continue;
      word.store(slot.word(), std::memory_order_relaxed);
      ++slots_used(page.id);
      return;
    }
    add_passed(bucket);
  }
  assert(false && "a page took more slots than it has");
}

void Index::replace(Stripe&, const Position& position, Slot slot) {
  const BucketChange change(*position.bucket);
  position.bucket->slots[static_cast<size_t>(position.slot)].store(slot.word(), std::memory_order_relaxed);
}

void Index::erase(Stripe& stripe, const Position& position) {
  const uint32_t tag = position.get().tag();
  const Page page = locate(stripe, tag);
  {
    const BucketChange change(*position.bucket);
    position.bucket->slots[static_cast<size_t>(position.slot)].store(0, std::memory_order_relaxed);
  }
  for (uint32_t i = 0; i < position.distance; ++i) subtract_passed(page.bucket(position.home + i));
  --slots_used(page.id);
  shrink(stripe, tag);
}

Index::Position Index::coldest_near(Stripe& stripe, uint32_t tag) const {
  const Page page = locate(stripe, tag);
  const uint32_t home = page.home(tag);
  Bucket& bucket = page.bucket(home);
  if (!page.is_current(bucket.control.load(std::memory_order_relaxed))) return {};
  Position coldest;
  for (int i = 0; i < kSlotsPerBucket; ++i) {
    const Position candidate{.bucket = &bucket, .slot = i, .home = home};
    if (candidate.get().is_empty() || page.home(candidate.get().tag()) != home) continue;
    if (!coldest || candidate.get().frequency() < coldest.get().frequency()) coldest = candidate;
  }
  return coldest;
}

void Index::age(Stripe&, const Position& position) {
  std::atomic<uint64_t>& word = position.bucket->slots[static_cast<size_t>(position.slot)];
  uint64_t seen = word.load(std::memory_order_relaxed);
  const Slot slot(seen);
  if (slot.frequency() == 0) return;
  // Relaxed, and no second try: as a use that comes in between.
  word.compare_exchange_strong(seen, Slot(slot.tag(), slot.frequency() - 1, slot.address()).word(),
                               std::memory_order_relaxed);
}

void Index::add_passed(Bucket& bucket) {
  const uint64_t control = bucket.control.load(std::memory_order_relaxed);
  if (passed_by(control) < kPassedMask) bucket.control.store(control + 1, std::memory_order_relaxed);
}

void Index::subtract_passed(Bucket& bucket) {
  const BucketChange change(bucket);
  const uint64_t control = bucket.control.load(std::memory_order_relaxed);
  if (passed_by(control) < kPassedMask) bucket.control.store(control - 1, std::memory_order_relaxed);
}

uint16_t& Index::slots_used(uint32_t page_id) const {
  return *reinterpret_cast<uint16_t*>(page_counts_.at(page_id * sizeof(uint16_t)));
}

// --- flushing ----------------------------------------------------------------------------------------------

bool Index::has_flushed() const {
  return std::ranges::any_of(flushes_, [](const Flushes& of) { return of.generation.load() != 0; });
}

void Index::flush() {
  for (uint32_t space = 0; space < namespaces_.count(); ++space) flush(space);
}

void Index::flush(uint32_t space) {
  Flushes& flushes = flushes_[space];
  flushes.generation.fetch_add(1, std::memory_order_acq_rel);
  // A bucket knows only the low bits of its generation. At every flush some stripes are swept for buckets that are
  // a quarter round behind; each stripe has its turn within half a round, so no bucket comes round to the same
  // bits.
  const uint32_t sweeps = 1 + stripes_per_space() / (kGenerationMask / 2);
  for (uint32_t i = 0; i < sweeps; ++i) {
    const uint32_t turn = flushes.next_sweep.fetch_add(1, std::memory_order_relaxed);
    sweep(space * stripes_per_space() + turn % stripes_per_space());
  }
}

void Index::sweep(uint32_t stripe_number) {
  Stripe& stripe = stripes_[stripe_number];
  const StripeLock lock(*this, stripe);
  for (uint32_t tag = 0; tag < Slot::kTagCount;) {
    const Page page = locate(stripe, tag);
    for (uint32_t b = 0; b < page.bucket_count(); ++b) {
      const uint64_t bucket_generation = page.bucket(b).control.load(std::memory_order_relaxed) >> kGenerationShift;
      const uint64_t flushes_behind = (page.generation - bucket_generation) & kGenerationMask;
      if (flushes_behind >= kGenerationMask / 4) clear_void(stripe, page, b);
    }
    tag = page.end_tag(tag);
    shrink(stripe, page.first_tag(tag - 1));
  }
}

Index::Position Index::find_flushed(Stripe& stripe, uint32_t tag) const {
  const Page page = locate(stripe, tag);
  const uint32_t home = page.home(tag);
  for (uint32_t distance = 0; distance < page.bucket_count(); ++distance) {
    Bucket& bucket = page.bucket(home + distance);
    const uint64_t control = bucket.control.load(std::memory_order_relaxed);
    for (int i = 0; i < kSlotsPerBucket; ++i) {
      const Position position{&bucket, i, home, distance};
      if (!page.is_current(control) && !position.get().is_empty() && position.get().tag() == tag) return position;
    }
    if (passed_by(control) == 0) break;
  }
  return {};
}

bool Index::take_flushed(Stripe& stripe, uint32_t tag) {
  const Position position = find_flushed(stripe, tag);
  if (!position) return false;
  if (on_void_) on_void_(stripe, position.get());
  const BucketChange change(*position.bucket);
  position.bucket->slots[static_cast<size_t>(position.slot)].store(0, std::memory_order_relaxed);
  --slots_used(locate(stripe, tag).id);
  return true;
}

void Index::purge(Stripe& stripe, uint32_t tag) {
  const Page page = locate(stripe, tag);
  clear_void(stripe, page, page.home(tag));
  shrink(stripe, tag);
}

void Index::clear_void(Stripe& stripe, const Page& page, uint32_t number) const {
  for (;; ++number) {
    if (number >= page.bucket_count()) number -= page.bucket_count();
    Bucket& bucket = page.bucket(number);
    const uint64_t control = bucket.control.load(std::memory_order_relaxed);
    if (page.is_current(control)) return;
    clear(stripe, page, bucket);
    if (passed_by(control) == 0) return;
  }
}

void Index::clear(Stripe& stripe, const Page& page, Bucket& bucket) const {
  if (on_void_) {
    for (const auto& word : bucket.slots) {
      const Slot slot(word.load(std::memory_order_relaxed));
      if (!slot.is_empty()) on_void_(stripe, slot);
    }
  }
  const BucketChange change(bucket);
  for (auto& word : bucket.slots) {
    if (word.load(std::memory_order_relaxed) == 0) continue;
    word.store(0, std::memory_order_relaxed);
    --slots_used(page.id);
  }
  const uint64_t sequence = bucket.control.load(std::memory_order_relaxed) >> kSequenceShift;
  bucket.control.store((sequence << kSequenceShift) | (page.generation << kGenerationShift),
                       std::memory_order_relaxed);
}

// --- sums --------------------------------------------------------------------------------------------------

void Index::refresh(Stripe& stripe) const {
  const uint64_t now = generation(stripe.space);
  if (stripe.generation.load(std::memory_order_relaxed) == now) return;
  if (limited_ != nullptr) {
    limited_[stripe.space].item_bytes.fetch_sub(stripe.item_bytes.load(std::memory_order_relaxed),
                                                std::memory_order_relaxed);
  }
  stripe.items.store(0, std::memory_order_relaxed);
  stripe.item_bytes.store(0, std::memory_order_relaxed);
  stripe.generation.store(now, std::memory_order_relaxed);
}

void Index::count(Stripe& stripe, int64_t items, int64_t item_bytes) {
  stripe.items.store(stripe.items.load(std::memory_order_relaxed) + static_cast<uint64_t>(items),
                     std::memory_order_relaxed);
  stripe.item_bytes.store(stripe.item_bytes.load(std::memory_order_relaxed) + static_cast<uint64_t>(item_bytes),
                          std::memory_order_relaxed);
  if (limited_ != nullptr) {
    limited_[stripe.space].item_bytes.fetch_add(static_cast<uint64_t>(item_bytes), std::memory_order_relaxed);
  }
}

Index::Sums Index::sums(uint32_t space) const {
  Sums sums;
  for (uint32_t i = 0; i < stripes_per_space(); ++i) {
    const Stripe& stripe = stripes_[space * stripes_per_space() + i];
    if (stripe.generation.load(std::memory_order_relaxed) != generation(space)) continue;
    sums.items += stripe.items.load(std::memory_order_relaxed);
    sums.item_bytes += stripe.item_bytes.load(std::memory_order_relaxed);
  }
  return sums;
}

Index::Sums Index::sums() const {
  Sums sums;
  for (uint32_t space = 0; space < namespaces_.count(); ++space) {
    const Sums of_one = this->sums(space);
    sums.items += of_one.items;
    sums.item_bytes += of_one.item_bytes;
  }
  return sums;
}

// --- pages -------------------------------------------------------------------------------------------------

// Empties the page, void slots included, and lists what was in it.
void Index::take_all(Stripe& stripe, const Page& page, SlotList& list) const {
  for (uint32_t b = 0; b < page.bucket_count(); ++b) {
    clear_void(stripe, page, b);
    Bucket& bucket = page.bucket(b);
    const BucketChange change(bucket);
    for (auto& word : bucket.slots) {
      if (word.load(std::memory_order_relaxed) == 0) continue;
      list.slots[list.size++] = Slot(word.exchange(0, std::memory_order_relaxed));
      --slots_used(page.id);
    }
    bucket.control.fetch_and(~kPassedMask, std::memory_order_relaxed);
  }
}

uint32_t Index::units_for(size_t slots) {
  uint32_t units = 1;
  while (units < kUnitsMax && slots > units * (kFullSlotsPerUnit * 3 / 4)) ++units;
  return units;
}

bool Index::grow(Stripe& stripe, const Page& page, uint32_t tag) {
  if (page.units == kUnitsMax) return page.depth < kDepthMax && split(stripe, page, tag);
  Page larger = page;
  if (!resize_page(larger, page.units + 1)) return false;
  const LayoutChange change(stripe);
  SlotList list;
  take_all(stripe, page, list);
  for (size_t i = 0; i < list.size; ++i) place(stripe, larger, list.slots[i]);
  enter(stripe, larger, tag);
  return true;
}

bool Index::split(Stripe& stripe, Page page, uint32_t tag) {
  if (page.depth == stripe.depth() && !double_directory(stripe)) return false;
  const std::optional<uint32_t> id = new_page_id();
  if (!id) return false;
  Page upper{.id = *id, .units = 0, .depth = page.depth + 1, .buckets = nullptr, .generation = page.generation};
  // Both halves could turn out to hold everything; what is too much is given back below.
  if (!resize_page(upper, kUnitsMax)) {
    free_page(upper);
    return false;
  }
  const LayoutChange change(stripe);
  const uint32_t first = page.first_tag(tag);
  const uint32_t middle = first + (Slot::kTagCount >> upper.depth);
  SlotList list;
  take_all(stripe, page, list);
  const auto in_upper = [&](const Slot& slot) { return slot.tag() >= middle; };
  const auto upper_count = static_cast<size_t>(
      std::count_if(list.slots.begin(), list.slots.begin() + static_cast<std::ptrdiff_t>(list.size), in_upper));
  Page lower = page;
  lower.depth = upper.depth;
  [[maybe_unused]] const bool shrunk =
      resize_page(lower, units_for(list.size - upper_count)) && resize_page(upper, units_for(upper_count));
  assert(shrunk);
  for (size_t i = 0; i < list.size; ++i) place(stripe, in_upper(list.slots[i]) ? upper : lower, list.slots[i]);
  enter(stripe, lower, first);
  enter(stripe, upper, middle);
  return true;
}

void Index::shrink(Stripe& stripe, uint32_t tag) {
  for (;;) {
    Page page = locate(stripe, tag);
    if (page.units == 1) {
      if (!merge(stripe, page, tag)) return;
      continue;
    }
    if (slots_used(page.id) > (page.units - 1) * kSparseSlotsPerUnit) return;
    const LayoutChange change(stripe);
    SlotList list;
    take_all(stripe, page, list);
    [[maybe_unused]] const bool shrunk = resize_page(page, page.units - 1);
    assert(shrunk);
    for (size_t i = 0; i < list.size; ++i) place(stripe, page, list.slots[i]);
    enter(stripe, page, tag);
  }
}

// Joins a page of one unit with the one it was split from, if that is as small and both fit in one.
bool Index::merge(Stripe& stripe, Page page, uint32_t tag) {
  if (page.depth == 0) return false;
  const uint32_t buddy_tag = page.first_tag(tag) ^ (Slot::kTagCount >> page.depth);
  const Page buddy = locate(stripe, buddy_tag);
  if (buddy.depth != page.depth || buddy.units != 1 ||
      slots_used(page.id) + slots_used(buddy.id) > kSparseSlotsPerUnit) {
    return false;
  }
  const LayoutChange change(stripe);
  SlotList list;
  take_all(stripe, page, list);
  take_all(stripe, buddy, list);
  free_page(buddy);
  --page.depth;
  for (size_t i = 0; i < list.size; ++i) place(stripe, page, list.slots[i]);
  enter(stripe, page, tag);
  return true;
}

void Index::enter(Stripe& stripe, const Page& page, uint32_t tag) const {
  std::atomic<uint32_t>* const first = &stripe.entry(page.first_tag(tag));
  const uint32_t count = uint32_t{1} << (stripe.depth() - page.depth);
  for (uint32_t i = 0; i < count; ++i) first[i].store(encode(page), std::memory_order_relaxed);
}

bool Index::double_directory(Stripe& stripe) {
  auto doubled = std::make_unique<const Directory>(stripe.depth() + 1);
  const uint32_t entries = uint32_t{1} << doubled->depth;
  if (!account_.try_charge(Use::kIndex, entries * sizeof(uint32_t))) return false;
  for (uint32_t i = 0; i < entries; ++i) {
    const uint32_t first_tag = i << (Slot::kTagBits - doubled->depth);
    doubled->entries[i].store(stripe.entry(first_tag).load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  install(stripe, std::move(doubled));
  return true;
}

void Index::install(Stripe& stripe, std::unique_ptr<const Directory> directory) {
  stripe.directories.push_back(std::move(directory));
  // Release: with the acquire of those who search without the lock, for what is in it.
  stripe.directory.store(stripe.directories.back().get(), std::memory_order_release);
}

// Gives the page room for `units`; the page must be empty if it gets smaller. False: no memory for more.
bool Index::resize_page(Page& page, uint32_t units) {
  const size_t offset = page.id * kPageStrideBytes;
  if (units > page.units) {
    if (!account_.try_charge(Use::kIndex, (units - page.units) * kUnitBytes)) return false;
  } else if (units < page.units) {
    pages_.discard(offset + units * kUnitBytes, (page.units - units) * kUnitBytes);
    account_.release(Use::kIndex, (page.units - units) * kUnitBytes);
  }
  units_.fetch_add(uint64_t{units} - page.units, std::memory_order_relaxed);
  page.units = units;
  page.buckets = reinterpret_cast<Bucket*>(pages_.at(offset));
  return true;
}

std::optional<uint32_t> Index::new_page_id() {
  const MutexLock lock(free_ids_mutex_);
  if (!free_ids_.empty()) {
    const uint32_t id = free_ids_.back();
    free_ids_.pop_back();
    return id;
  }
  if ((next_id_ + 1) * kPageStrideBytes > pages_.bytes()) return std::nullopt;
  // Room for every id there is, so that freeing a page cannot fail.
  free_ids_.reserve(std::bit_ceil(next_id_ + 1));
  return next_id_++;
}

void Index::free_page(const Page& page) {
  Page empty = page;
  [[maybe_unused]] const bool freed = resize_page(empty, 0);
  assert(freed && slots_used(page.id) == 0);
  const MutexLock lock(free_ids_mutex_);
  free_ids_.push_back(page.id);
}

// --- checking ----------------------------------------------------------------------------------------------

// Whether a search that follows void buckets comes from the home of `tag` to bucket `number`.
bool Index::can_be_found(const Page& page, uint32_t tag, uint32_t number) {
  for (uint32_t way = page.home(tag); way != number; way = (way + 1) % page.bucket_count()) {
    const uint64_t control = page.bucket(way).control.load(std::memory_order_relaxed);
    if (page.is_current(control) || passed_by(control) == 0) return false;
  }
  return true;
}

absl::Status Index::assert_valid(Stripe& stripe) const {
  for (uint32_t tag = 0; tag < Slot::kTagCount;) {
    const Page page = locate(stripe, tag);
    const uint32_t end = page.end_tag(tag);
    uint32_t used = 0;
    std::vector<uint32_t> passed(page.bucket_count(), 0);
    for (uint32_t b = 0; b < page.bucket_count(); ++b) {
      const Bucket& bucket = page.bucket(b);
      const uint64_t control = bucket.control.load(std::memory_order_relaxed);
      if (is_odd(control)) return absl::InternalError("a bucket's sequence is odd at rest");
      for (const auto& word : bucket.slots) {
        const Slot slot(word.load(std::memory_order_relaxed));
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
    if (used != slots_used(page.id)) {
      return absl::InternalError(
          absl::StrCat("page ", page.id, " counts ", slots_used(page.id), " slots, has ", used));
    }
    for (uint32_t b = 0; b < page.bucket_count(); ++b) {
      const uint64_t control = page.bucket(b).control.load(std::memory_order_relaxed);
      if (page.is_current(control) && passed_by(control) < kPassedMask && passed_by(control) != passed[b]) {
        return absl::InternalError(absl::StrCat("bucket ", b, " of page ", page.id, " counts ", passed_by(control),
                                                " slots beyond it, there are ", passed[b]));
      }
    }
    tag = end;
  }
  return absl::OkStatus();
}

}  // namespace larder::internal
