#include "larder/internal/index/index.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {
namespace {

// A stripe for so much of the limit: enough that threads seldom meet, and that what is done for a whole stripe at
// once stays short.
constexpr size_t kLimitBytesPerStripe = size_t{512} << 10;
constexpr int kStripeBitsMin = 3;
constexpr int kStripeBitsMax = 22;

// With those of the namespace.
int stripe_bits_for(size_t limit_bytes, int space_bits) {
  const int wanted_bits = static_cast<int>(std::bit_width(limit_bytes / kLimitBytesPerStripe)) - 1;
  return space_bits + std::clamp(wanted_bits - space_bits, kStripeBitsMin, kStripeBitsMax - space_bits);
}

}  // namespace

size_t Index::address_bytes(const Extent& extent, size_t limit_bytes, int space_bits) {
  return AddressSpace::bytes_to_take(sizeof(Stripe) << stripe_bits_for(limit_bytes, space_bits)) +
         IndexMemory::address_bytes(extent, limit_bytes);
}

absl::StatusOr<std::unique_ptr<Index>> Index::create(Account& account, AddressSpace& space, uint64_t seed,
                                                     Namespaces namespaces, OnVoid on_void) {
  const int stripe_bits = stripe_bits_for(account.limit(), namespaces.bits());
  const size_t stripes = size_t{namespaces.count()} << (stripe_bits - namespaces.bits());
  const size_t stripe_bytes = round_up(stripes * sizeof(Stripe), os_page_bytes());
  Arena stripe_memory = space.take(stripe_bytes);
  if (!stripe_memory.make_writable(0, stripe_bytes)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory_limit_bytes: ", account.limit(), ": there is no memory for locks"));
  }
  account.charge(Use::kOther, stripe_bytes);
  if (stripes * kUnitBytes > account.headroom()) {
    return absl::ResourceExhaustedError(absl::StrCat("memory_limit_bytes: ", account.limit(), " is too small for ",
                                                     namespaces.count() - 1, " namespaces"));
  }
  auto index = std::unique_ptr<Index>(new Index(account, space, std::move(stripe_memory), seed,
                                                std::move(namespaces), std::move(on_void), stripe_bits));
  if (!index->memory_.allocate(1)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory_limit_bytes: ", account.limit(), ": there is no memory for the index"));
  }
  return index;
}

Index::Index(Account& account, AddressSpace& space, Arena stripe_memory, uint64_t seed, Namespaces namespaces,
             OnVoid on_void, int stripe_bits)
    : account_(account),
      seed_(seed),
      space_bits_(namespaces.bits()),
      stripe_bits_(stripe_bits),
      on_void_(std::move(on_void)),
      stripe_memory_(std::move(stripe_memory)),
      stripes_(reinterpret_cast<Stripe*>(stripe_memory_.at(0))),
      memory_(account, space),
      limited_(namespaces.are_limited() ? std::make_unique<LimitedBytes[]>(namespaces.count()) : nullptr),
      namespaces_(std::move(namespaces)) {}

Index::~Index() = default;

uint64_t Index::hash_in_namespace(std::string_view key, uint64_t hash) const {
  return uint64_t{namespaces_.of(key)} << (64 - space_bits_) | hash >> space_bits_;
}

// --- slots -------------------------------------------------------------------------------------------------

Index::InsertResult Index::insert(Stripe& stripe, Slot slot) {
  Page page = locate(stripe, slot.tag());
  if (page.is_none()) [[unlikely]] {
    if (!add_first_page(stripe)) return memory_.can_grow() ? InsertResult::kNeedsMemory : InsertResult::kPageFull;
    page = locate(stripe, slot.tag());
  }
  clear_void(stripe, page, page.home(slot.tag()));
  while (slots_used(page) >= page.units * kFullSlotsPerUnit) {
    if (!grow(stripe, page, slot.tag())) {
      const bool can_split = page.depth < kDepthMax;
      if (slots_used(page) >= page.units * kCrammedSlotsPerUnit) {
        const bool can_grow = (page.units < kUnitsMax || can_split) && memory_.can_grow();
        return can_grow ? InsertResult::kNeedsMemory : InsertResult::kPageFull;
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
      ++slots_used(page);
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
  --slots_used(page);
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
  --slots_used(locate(stripe, tag));
  return true;
}

void Index::purge(Stripe& stripe, uint32_t tag) {
  const Page page = locate(stripe, tag);
  clear_void(stripe, page, page.home(tag));
  shrink(stripe, tag);
}

void Index::clear_void(Stripe& stripe, const Page& page, uint32_t number) const {
  if (page.is_none()) return;
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
    --slots_used(page);
  }
  const uint64_t sequence = bucket.control.load(std::memory_order_relaxed) >> kSequenceShift;
  bucket.control.store((sequence << kSequenceShift) | (page.generation << kGenerationShift),
                       std::memory_order_relaxed);
}

// --- sums --------------------------------------------------------------------------------------------------

void Index::refresh(Stripe& stripe) const {
  const uint64_t now = generation(space_of(stripe));
  if (stripe.generation.load(std::memory_order_relaxed) == now) return;
  count(stripe, {}, sums(stripe));
  stripe.generation.store(now, std::memory_order_relaxed);
}

void Index::count(Stripe& stripe, const Sums& added, const Sums& removed) const {
  const auto change = [](std::atomic<uint64_t>& sum, uint64_t plus, uint64_t minus) {
    sum.store(sum.load(std::memory_order_relaxed) + plus - minus, std::memory_order_relaxed);
  };
  change(stripe.items, added.items, removed.items);
  change(stripe.item_bytes, added.item_bytes, removed.item_bytes);
  change(stripe.hidden_bytes, added.hidden_bytes, removed.hidden_bytes);
  if (limited_ != nullptr) {
    limited_[space_of(stripe)].bytes.fetch_add(added.bytes() - removed.bytes(), std::memory_order_relaxed);
  }
}

Index::Sums Index::sums(uint32_t space) const {
  Sums sums;
  for (uint32_t i = 0; i < stripes_per_space(); ++i) {
    const Stripe& stripe = stripes_[space * stripes_per_space() + i];
    if (stripe.generation.load(std::memory_order_relaxed) != generation(space)) continue;
    sums += this->sums(stripe);
  }
  return sums;
}

Index::Sums Index::sums() const {
  Sums sums;
  for (uint32_t space = 0; space < namespaces_.count(); ++space) sums += this->sums(space);
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
      --slots_used(page);
    }
    bucket.control.fetch_and(~kPassedMask, std::memory_order_relaxed);
  }
}

uint32_t Index::units_for(size_t slots) {
  uint32_t units = 1;
  while (units < kUnitsMax && slots > units * (kFullSlotsPerUnit * 3 / 4)) ++units;
  return units;
}

bool Index::add_first_page(Stripe& stripe) {
  const std::optional<Page> page =
      new_page(1, 0, stripe.generation.load(std::memory_order_relaxed) & kGenerationMask);
  if (!page) return false;
  const LayoutChange change(stripe);
  enter(stripe, *page, 0);
  stripes_with_page_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Index::grow(Stripe& stripe, const Page& page, uint32_t tag) {
  if (page.units == kUnitsMax) return page.depth < kDepthMax && split(stripe, page, tag);
  const std::optional<Page> larger = new_page(page.units + 1, page.depth, page.generation);
  if (!larger) return false;
  rebuild(stripe, page.first_tag(tag), {{page}}, {{*larger}});
  return true;
}

bool Index::split(Stripe& stripe, const Page& page, uint32_t tag) {
  // Before all buckets are looked at.
  if (!memory_.has_room_for(kPagesOfSplit)) return false;
  if (page.depth == stripe.depth() && !double_directory(stripe)) return false;
  const int depth = page.depth + 1;
  const uint32_t first_tag = page.first_tag(tag);
  const uint32_t middle = first_tag + (Slot::kTagCount >> depth);
  size_t upper_count = 0;
  for (uint32_t b = 0; b < page.bucket_count(); ++b) {
    clear_void(stripe, page, b);
    for (const auto& word : page.bucket(b).slots) {
      const Slot slot(word.load(std::memory_order_relaxed));
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

void Index::shrink(Stripe& stripe, uint32_t tag) {
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

// Joins a page of one unit with the one it was split from, if that is as small and both fit in one.
bool Index::merge(Stripe& stripe, const Page& page, uint32_t tag) {
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

void Index::rebuild(Stripe& stripe, uint32_t first_tag, std::span<const Page> from, std::span<const Page> to) {
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
  // Release: with the acquire of those who search without the lock, for what is in it.
  stripe.directory.store(directory.get(), std::memory_order_release);
  const MutexLock lock(directories_mutex_);
  directories_.push_back(std::move(directory));
}

std::optional<Index::Page> Index::new_page(uint32_t units, int depth, uint64_t generation) {
  const std::optional<uint32_t> first_unit = memory_.allocate(units);
  if (!first_unit) return std::nullopt;
  return Page{.first_unit = *first_unit,
              .units = units,
              .depth = depth,
              .buckets = buckets_at(*first_unit),
              .generation = generation};
}

Index::Page Index::moved_down(const Page& page, uint32_t units) {
  Page moved = page;
  moved.units = units;
  moved.first_unit = memory_.allocate(units, page.first_unit).value_or(page.first_unit);
  moved.buckets = buckets_at(moved.first_unit);
  return moved;
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
    if (used != slots_used(page)) {
      return absl::InternalError(
          absl::StrCat("page ", page.first_unit, " counts ", slots_used(page), " slots, has ", used));
    }
    for (uint32_t b = 0; b < page.bucket_count(); ++b) {
      const uint64_t control = page.bucket(b).control.load(std::memory_order_relaxed);
      if (page.is_current(control) && passed_by(control) < kPassedMask && passed_by(control) != passed[b]) {
        return absl::InternalError(absl::StrCat("bucket ", b, " of page ", page.first_unit, " counts ",
                                                passed_by(control), " slots beyond it, there are ", passed[b]));
      }
    }
    tag = end;
  }
  return absl::OkStatus();
}

}  // namespace larder::internal
