// The index: finds the record of a key.
//
// The hash selects a stripe (its own lock), the stripe's directory a page, the page a bucket of one cache line. Its
// upper bits are the number of the key's namespace, if any are declared, so that each has stripes of its own.
//
//   hash ─► stripe ─► directory ─► page ─► bucket ─► slot [tag|frequency|address] ─► record
//
//   one slot:     63        42 41     40 39                    0
//                |    tag    | frequency |  record address / 8  |      0 is the empty slot
//
//   one bucket:  seven slots and a control word
//                 63              24 23         8 7          0
//                |  sequence number  | generation | passed by |
//
// The sequence number is odd while the bucket is being changed. `generation` is the low bits of the flush
// generation the bucket's slots belong to: a flush only counts the namespace's generation up, and every bucket of
// another generation holds nothing. `passed by` counts the slots that found this bucket full and lie in a later one
// of the same page; a search that meets 0 is over.
//
// A page is 1..4 units of 4 KiB. It grows by a unit when it is nearly full; a full-grown one splits in two. Either
// way it moves to other memory (index_memory.h). All that decides where a slot belongs is in its tag (the directory
// consumes the tag's upper bits, the page the next ones), so growing, splitting and merging never look at a key. A
// page that loses its slots shrinks and merges.
//
// Threads. Whoever changes anything of a stripe holds its mutex. A search needs no lock (`glance`): it copies what
// it finds and then makes sure that nothing it looked at has changed meanwhile.
//
//   state                      who may cause it                     what a glance does
//   ─────────────────────────  ───────────────────────────────────  ─────────────────────────────────────────────
//   layout even, bucket even   at rest                              looks, copies, looks at both again
//   bucket odd                 a slot or its record being changed   gives up
//   bucket changed since       one change or more is complete       gives up
//   layout odd or changed      a page grows, shrinks, splits or     gives up
//                              merges
//
// Why a glance that does not give up is right:
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
//     puts a release fence before its first octet, so whoever copies an octet of the new record sees the bucket
//     changed. Memory that went back to the system reads as zeros, and only after such a change, too.
//  3. What it reads may be garbage until the second look, but never hurts: addresses in slots lie inside the arena,
//     which is never unmapped; sizes found in a record are compared with its room before they are used; an old
//     directory stays readable as long as the stripe.
//  4. It is linearizable: everything was so at the moment before the first second look, which is within the call.
//     The flush generation is read before the bucket, and a bucket of another generation is left to those with the
//     lock, so an item removed by a flush that has returned is never found.
//
// A glance writes nothing but a slot's frequency, with compare-and-swap on the whole slot, until that is full; if
// the slot has changed meanwhile, the use is not counted.
#ifndef LARDER_INTERNAL_INDEX_INDEX_H_
#define LARDER_INTERNAL_INDEX_INDEX_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "larder/internal/base/account.h"
#include "larder/internal/base/arena.h"
#include "larder/internal/base/atomic_copy.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/index/change_clock.h"
#include "larder/internal/index/index_memory.h"
#include "larder/internal/index/namespaces.h"
#include "larder/internal/item/record.h"

namespace larder::internal {

// One 8-byte entry of the index.
class Slot {
 public:
  static constexpr int kTagBits = 22;
  static constexpr int kFrequencyBits = 2;
  static constexpr int kAddressBits = 40;
  static_assert(kTagBits + kFrequencyBits + kAddressBits == 64);
  static constexpr uint32_t kTagCount = uint32_t{1} << kTagBits;
  static constexpr uint32_t kFrequencyMax = (1u << kFrequencyBits) - 1;
  static constexpr int kAddressShift = std::countr_zero(kRecordAlignment);
  static_assert(kAddressBytesMax == size_t{1} << (kAddressBits + kAddressShift));

  constexpr Slot() = default;
  explicit constexpr Slot(uint64_t word) : word_(word) {}
  constexpr Slot(uint32_t tag, uint32_t frequency, uint64_t address)
      : word_((uint64_t{tag} << (kFrequencyBits + kAddressBits)) | (uint64_t{frequency} << kAddressBits) |
              (address >> kAddressShift)) {}

  [[nodiscard]] constexpr bool is_empty() const { return word_ == 0; }
  [[nodiscard]] constexpr uint32_t tag() const { return static_cast<uint32_t>(word_ >> (64 - kTagBits)); }
  [[nodiscard]] constexpr uint32_t frequency() const {
    return static_cast<uint32_t>(word_ >> kAddressBits) & kFrequencyMax;
  }
  [[nodiscard]] constexpr uint64_t address() const {
    return (word_ & ((uint64_t{1} << kAddressBits) - 1)) << kAddressShift;
  }
  [[nodiscard]] constexpr uint64_t word() const { return word_; }

 private:
  uint64_t word_ = 0;
};

inline constexpr int kSlotsPerBucket = 7;

struct alignas(64) Bucket {
  // A bit for each slot that has this tag, and for empty ones if it is 0. Without branches: which slot it is cannot
  // be predicted, and a wrong guess would throw away the memory accesses that the processor has begun after it.
  [[nodiscard]] uint32_t matches(uint32_t tag) const {
#ifdef LARDER_LONG_PIECES
    // All eight words of the bucket; the control word is the first.
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
    return (matches_of_four(0, wanted) | matches_of_four(sizeof(Bucket) / 2, wanted) << 4) >> 1;
#else
    const uint64_t wanted = Slot(tag, 0, 0).word();
    uint32_t bits = 0;
#pragma GCC unroll 7
    for (size_t i = slots.size(); i-- > 0;) {
      bits +=
          bits + static_cast<uint32_t>((slots[i].load(std::memory_order_relaxed) ^ wanted) < Slot(1, 0, 0).word());
    }
    return bits;
#endif
  }

  std::atomic<uint64_t> control;
  std::array<std::atomic<uint64_t>, kSlotsPerBucket> slots;

#ifdef LARDER_LONG_PIECES
 private:
  // The same for the four words that begin `offset` behind the bucket's begin.
  [[nodiscard, gnu::always_inline]] uint32_t matches_of_four(size_t offset, __m128i wanted) const {
    const std::byte* const words = reinterpret_cast<const std::byte*>(this) + offset;
    const __m128 first = _mm_castsi128_ps(load_long_piece(words));
    const __m128 second = _mm_castsi128_ps(load_long_piece(words + sizeof(LongPiece)));
    const __m128i upper_halves = _mm_castps_si128(_mm_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1)));
    const __m128i tags = _mm_srli_epi32(upper_halves, 32 - Slot::kTagBits);
    return static_cast<uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(tags, wanted))));
  }
#endif
};
static_assert(sizeof(Bucket) == 64);

class Index {
  // A directory entry:  31        6 5     4 3   0
  //                    | first unit | units-1 | depth |
  struct Page {
    uint32_t first_unit;
    uint32_t units;
    int depth;
    Bucket* buckets;
    uint64_t generation;  // the low bits that its buckets must carry

    // The page of a stripe that has none yet: unit 0, in which there is never anything.
    [[nodiscard]] bool is_none() const { return first_unit == 0; }

    [[nodiscard]] bool is_current(uint64_t control) const {
      return ((control >> kGenerationShift) & kGenerationMask) == generation;
    }
    // Current, and not being changed.
    [[nodiscard]] bool is_current_at_rest(uint64_t control) const {
      static_assert(kSequenceShift == kGenerationShift + std::bit_width(kGenerationMask));
      return ((control >> kGenerationShift) & (2 * kGenerationMask + 1)) == generation;
    }
    [[nodiscard]] uint32_t bucket_count() const { return units * kBucketsPerUnit; }
    // Buckets are numbered round and round.
    [[nodiscard]] Bucket& bucket(uint32_t number) const {
      return buckets[number < bucket_count() ? number : number - bucket_count()];
    }
    [[nodiscard]] uint32_t home(uint32_t tag) const {
      const uint32_t rest = (tag << depth) & (Slot::kTagCount - 1);
      return static_cast<uint32_t>((uint64_t{rest} * bucket_count()) >> Slot::kTagBits);
    }
    // The first tag behind `tag` that has another home.
    [[nodiscard]] uint32_t end_tag_of_home(uint32_t tag, uint32_t home) const {
      const uint64_t rest =
          ((uint64_t{home} + 1) * Slot::kTagCount + bucket_count() - 1) / bucket_count();  // rounded up
      const uint64_t within = (rest + (uint64_t{1} << depth) - 1) >> depth;
      return first_tag(tag) + static_cast<uint32_t>(within);
    }
    [[nodiscard]] uint32_t first_tag(uint32_t tag) const { return tag & ~((Slot::kTagCount >> depth) - 1); }
    [[nodiscard]] uint32_t end_tag(uint32_t tag) const { return first_tag(tag) + (Slot::kTagCount >> depth); }
  };

 public:
  // The page of each 2^-depth of the tags.
  struct Directory {
    explicit Directory(int directory_depth)
        : depth(directory_depth), entries(std::make_unique<std::atomic<uint32_t>[]>(size_t{1} << depth)) {}
    [[nodiscard]] std::atomic<uint32_t>& entry(uint32_t tag) const {
      return entries[tag >> (Slot::kTagBits - depth)];
    }

    const int depth;
    const std::unique_ptr<std::atomic<uint32_t>[]> entries;
  };

  // How many tag bits tell the pages of a stripe apart that has no directory of its own.
  static constexpr int kFewPagesDepth = 5;

  // All zeros is a stripe without items and without a page: so memory that was never touched holds stripes.
  struct alignas(64) Stripe {
    // Read by every search, without the mutex, and seldom written.
    std::atomic<uint64_t> layout{0};                   // odd while pages change
    std::atomic<const Directory*> directory{nullptr};  // null as long as few_pages is deep enough
    // A first directory, which costs a search no further step through memory.
    std::array<std::atomic<uint32_t>, size_t{1} << kFewPagesDepth> few_pages{};

    [[nodiscard]] std::atomic<uint32_t>& entry(uint32_t tag) {
      // Acquire: with the release in install, for what is in it.
      const Directory* const deep = directory.load(std::memory_order_acquire);
      return deep == nullptr ? few_pages[tag >> (Slot::kTagBits - kFewPagesDepth)] : deep->entry(tag);
    }
    [[nodiscard]] int depth() const {
      const Directory* const deep = directory.load(std::memory_order_acquire);
      return deep == nullptr ? kFewPagesDepth : deep->depth;
    }

    // On cache lines of their own: written by every change.
    alignas(64) Mutex mutex;
    uint64_t cas_count ABSL_GUARDED_BY(mutex) = 0;    // CAS numbers given out by this stripe
    ChangeClock change_clock ABSL_GUARDED_BY(mutex);  // when
    // The flush generation that whoever holds the mutex works in: read once, by StripeLock, so that a flush in
    // the middle of an operation comes after all of it. Written under the mutex; read by stats without it, as are
    // the sums, which count only if this is the index's generation. Relaxed: they stand for nothing but themselves.
    std::atomic<uint64_t> generation{0};
    std::atomic<uint64_t> items{0};
    std::atomic<uint64_t> item_bytes{0};
    std::atomic<uint64_t> hidden_bytes{0};
  };

  // Where a slot lies. Good until the stripe's mutex is released or the stripe's slots change.
  struct Position {
    Bucket* bucket = nullptr;
    int slot = 0;
    uint32_t home = 0;      // number of the bucket the search began in
    uint32_t distance = 0;  // buckets passed on the way

    explicit operator bool() const { return bucket != nullptr; }
    // Relaxed: under the stripe's mutex.
    [[nodiscard]] Slot get() const {
      return Slot(bucket->slots[static_cast<size_t>(slot)].load(std::memory_order_relaxed));
    }
  };

  // Holds a stripe's mutex. Every operation on a stripe begins with one.
  class ABSL_SCOPED_LOCKABLE StripeLock {
   public:
    StripeLock(const Index& index, Stripe& stripe) ABSL_EXCLUSIVE_LOCK_FUNCTION(stripe.mutex) : stripe_(stripe) {
      stripe.mutex.lock();
      index.refresh(stripe);
    }
    ~StripeLock() ABSL_UNLOCK_FUNCTION() { stripe_.mutex.unlock(); }
    StripeLock(const StripeLock&) = delete;
    StripeLock& operator=(const StripeLock&) = delete;

   private:
    Stripe& stripe_;
  };

  enum class InsertResult : uint8_t {
    kInserted,
    kNeedsMemory,  // the page must grow and the account has no room: make some, and try again
    kPageFull,     // too many tags fall together for the index to tell them apart: evict one, and try again
  };

  // Called with each slot that a flush made void, when it is dropped, under its stripe's mutex. Its record is still
  // whole then: see clear_void.
  using OnVoid = std::function<void(Stripe& stripe, Slot slot)>;

  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Index>> create(Account& account, AddressSpace& space,
                                                                     uint64_t seed, Namespaces namespaces = {},
                                                                     OnVoid on_void = nullptr);
  ~Index();
  [[nodiscard]] static size_t address_bytes(const Extent& extent, size_t limit_bytes, int space_bits = 0);

  [[nodiscard, gnu::always_inline]] uint64_t hash(std::string_view key) const {
    const uint64_t hash = hash_key(key, seed_);
    if (space_bits_ != 0) [[unlikely]]
      return hash_in_namespace(key, hash);
    return hash;
  }
  // The number of the namespace of a key with this hash.
  [[nodiscard]] uint32_t space_of(uint64_t hash) const { return top_bits(hash, space_bits_); }
  [[nodiscard]] uint32_t space_of(const Stripe& stripe) const {
    return space_bits_ == 0 ? 0 : number_of(stripe) >> (stripe_bits_ - space_bits_);
  }
  [[nodiscard]] const Namespaces& namespaces() const { return namespaces_; }
  // The stripe's bits may be none, and a number cannot be shifted by 64.
  [[nodiscard]] Stripe& stripe_of(uint64_t hash) const { return stripes_[hash >> 1 >> (63 - stripe_bits_)]; }
  [[nodiscard]] uint32_t tag_of(uint64_t hash) const {
    return static_cast<uint32_t>(hash >> (64 - stripe_bits_ - Slot::kTagBits)) & (Slot::kTagCount - 1);
  }
  [[nodiscard]] uint32_t stripe_count() const { return namespaces_.count() * stripes_per_space(); }
  // Those of one namespace come one after the other.
  [[nodiscard]] uint32_t stripes_per_space() const { return uint32_t{1} << (stripe_bits_ - space_bits_); }
  [[nodiscard]] int stripe_bits() const { return stripe_bits_; }
  [[nodiscard]] Stripe& stripe(uint32_t number) const { return stripes_[number]; }
  [[nodiscard]] uint32_t number_of(const Stripe& stripe) const { return static_cast<uint32_t>(&stripe - stripes_); }

  // The slot with this tag whose address `is_wanted` accepts, or none.
  template <class IsWanted>
  [[nodiscard]] Position find(Stripe& stripe, uint32_t tag, IsWanted&& is_wanted) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    const Page page = locate(stripe, tag);
    return find_from(page, page.home(tag), tag, is_wanted);
  }

  enum class Taken : uint8_t { kWanted, kOther, kNeedsLock };
  // What a search without the lock found out. Two words, so that it is returned in registers.
  class Sight {
    friend class Index;

   public:
    // What `take` accepted was the record, whole.
    [[nodiscard]] bool is_found() const { return slot_ != nullptr; }
    // There is no such record.
    [[nodiscard]] bool is_missing() const { return slot_ == nullptr && seen_.is_empty(); }
    // Something changed meanwhile, or needs the lock: search again, or with the lock.
    [[nodiscard]] bool is_unsure() const { return slot_ == nullptr && !seen_.is_empty(); }

   private:
    static Sight found(std::atomic<uint64_t>& slot, Slot seen) { return {&slot, seen}; }
    static Sight missing() { return {nullptr, Slot()}; }
    static Sight unsure() { return {nullptr, Slot(1)}; }
    Sight(std::atomic<uint64_t>* slot, Slot seen) : slot_(slot), seen_(seen) {}

    std::atomic<uint64_t>* slot_;  // of what was found; it may have changed since
    Slot seen_;
  };

  // A search without the lock on its way: where it looks, and the numbers that must not have changed in the end.
  // Each step needs memory that the one before it has begun to fetch, so that many searches can wait together.
  class Lead {
    friend class Index;

    Stripe* stripe;
    uint64_t layout;
    uint32_t tag;
    Page page;
    Bucket* bucket;  // where the search begins
    // By look.
    uint32_t matches;
    uint64_t control;
  };
  void prefetch_stripe(uint64_t hash) const { __builtin_prefetch(&stripe_of(hash)); }
  [[nodiscard]] Lead approach(uint64_t hash) const {
    Lead lead;
    lead.stripe = &stripe_of(hash);
    lead.layout = lead.stripe->layout.load(std::memory_order_acquire);
    lead.tag = tag_of(hash);
    lead.page = decode(lead.stripe->entry(lead.tag), generation(space_of(hash)) & kGenerationMask);
    lead.bucket = &lead.page.buckets[lead.page.home(lead.tag)];
    __builtin_prefetch(lead.bucket);
    return lead;
  }
  // The same for a search with the lock.
  Lead prefetch(uint64_t hash) const {
    __builtin_prefetch(&stripe_of(hash).mutex);
    return approach(hash);
  }
  // The same as `find` above, for a search that was on its way before the stripe was locked.
  template <class IsWanted>
  [[nodiscard, gnu::always_inline]] Position find(Stripe& stripe, Lead& lead, IsWanted&& is_wanted) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    if (stripe.layout.load(std::memory_order_relaxed) != lead.layout) [[unlikely]]
      return find(stripe, lead.tag, is_wanted);
    lead.page.generation = stripe.generation.load(std::memory_order_relaxed) & kGenerationMask;
    return find_from(lead.page, static_cast<uint32_t>(lead.bucket - lead.page.buckets), lead.tag, is_wanted);
  }
  static void look(Lead& lead) {
    lead.control = lead.bucket->control.load(std::memory_order_acquire);
    lead.matches = lead.bucket->matches(lead.tag);
  }
  // The address of a record that may be the wanted one, or 0.
  [[nodiscard]] static uint64_t address_in_sight(const Lead& lead) {
    if (lead.matches == 0) return 0;
    const auto slot = static_cast<size_t>(std::countr_zero(lead.matches));
    return Slot(lead.bucket->slots[slot].load(std::memory_order_relaxed)).address();
  }
  // take(address) copies what may be the record and says whether it seems to be the wanted one; what it copied is
  // to be believed only if it is found.
  template <class Take>
  [[nodiscard]] Sight glance(const Lead& lead, Take&& take) const {
    const Sight sight = glance_at_home(lead, take);
    const bool goes_on = passed_by(lead.control) != 0 || !lead.page.is_current(lead.control);
    return sight.is_unsure() && goes_on ? glance_further(lead, take) : sight;
  }
  // All the steps at once.
  template <class Take>
  [[nodiscard]] Sight glance(uint64_t hash, Take&& take) const {
    Lead lead = approach(hash);
    look(lead);
    return glance(lead, take);
  }
  // The same, but unsure if the search does not end in its first bucket, as nearly all do.
  template <class Take>
  [[nodiscard, gnu::always_inline]] Sight glance_at_home(uint64_t hash, Take&& take) const {
    Lead lead = approach(hash);
    look(lead);
    return glance_at_home(lead, take);
  }

  // Adds a slot for a key that has none.
  InsertResult insert(Stripe& stripe, Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Puts another slot of the same tag in a slot's place.
  void replace(Stripe& stripe, const Position& position, Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Raises a slot's frequency by one, up to kFrequencyMax.
  static void mark_used(const Position& position) {
    mark_used(position.bucket->slots[static_cast<size_t>(position.slot)], position.get());
  }
  static void mark_used(const Sight& sight) { mark_used(*sight.slot_, sight.seen_); }

  // Runs `change` of the record that the slot points at as one change of its bucket.
  template <class Change>
  void change_record(Stripe& stripe, const Position& position, Change&& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    (void)stripe;
    const BucketChange guard(*position.bucket);
    change();
  }

  void erase(Stripe& stripe, const Position& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Of the bucket where a search for `tag` begins, the slot with the lowest frequency; none if it is empty.
  [[nodiscard]] Position coldest_near(Stripe& stripe, uint32_t tag) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // --- flushes ---

  [[nodiscard]] uint64_t generation(uint32_t space) const {
    return flushes_[space].generation.load(std::memory_order_acquire);
  }
  // Whether what the stripe holds has become void since it was locked.
  [[nodiscard]] bool is_void(const Stripe& stripe) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    return generation(space_of(stripe)) != stripe.generation.load(std::memory_order_relaxed);
  }
  // Whether anything was ever flushed.
  [[nodiscard]] bool has_flushed() const;
  // Everything of one namespace, or of all, is void from now on.
  void flush(uint32_t space);
  void flush();
  // A slot that a flush made void and that had this tag.
  [[nodiscard]] Position find_flushed(Stripe& stripe, uint32_t tag) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  // Whether there is one. Removes it, so that it is reported once.
  [[nodiscard]] bool take_flushed(Stripe& stripe, uint32_t tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  // Drops what flushes made void where a search for `tag` looks, and shrinks its page.
  void purge(Stripe& stripe, uint32_t tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // --- sums ---

  struct Sums {
    bool operator==(const Sums&) const = default;
    Sums& operator+=(const Sums& other) {
      items += other.items;
      item_bytes += other.item_bytes;
      hidden_bytes += other.hidden_bytes;
      return *this;
    }
    [[nodiscard]] constexpr uint64_t bytes() const { return item_bytes + hidden_bytes; }

    uint64_t items = 0;
    uint64_t item_bytes = 0;
    uint64_t hidden_bytes = 0;  // of what loaders leave: it takes room, and is no item
  };
  // What a record of so many bytes adds to the sums.
  [[nodiscard]] static constexpr Sums share(size_t bytes, bool is_hidden = false) {
    return is_hidden ? Sums{.hidden_bytes = bytes} : Sums{.items = 1, .item_bytes = bytes};
  }
  void count(Stripe& stripe, const Sums& added, const Sums& removed) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] Sums sums() const;
  [[nodiscard]] Sums sums(uint32_t space) const;
  [[nodiscard]] static Sums sums(const Stripe& stripe) {
    return {.items = stripe.items.load(std::memory_order_relaxed),
            .item_bytes = stripe.item_bytes.load(std::memory_order_relaxed),
            .hidden_bytes = stripe.hidden_bytes.load(std::memory_order_relaxed)};
  }
  // The bytes of a namespace's records, without adding them up, if any namespace is limited. What a flush made void
  // counts until its stripe is locked.
  [[nodiscard]] uint64_t limited_bytes(uint32_t space) const {
    return limited_[space].bytes.load(std::memory_order_relaxed);
  }
  // Whether there is nothing in the stripe, so that nothing is to be had from locking it.
  [[nodiscard]] bool is_empty(const Stripe& stripe) const {
    return stripe.items.load(std::memory_order_relaxed) == 0 &&
           stripe.hidden_bytes.load(std::memory_order_relaxed) == 0 &&
           stripe.generation.load(std::memory_order_relaxed) == generation(space_of(stripe));
  }
  // What the index would take now without a single item: a stripe keeps its first page.
  [[nodiscard]] size_t bytes_min() const {
    return round_up((1 + stripes_with_page_.load(std::memory_order_relaxed)) * kUnitBytes, memory_.grain_bytes());
  }
  // Of memory, the most that it may need to go on after kNeedsMemory: making less room would be of no use, however
  // often.
  [[nodiscard]] size_t growth_bytes_max() const { return memory_.charge_max(kPagesOfSplit) + kDirectoryBytesMax; }
  // Gives back memory that is charged for and not used, if there is any.
  [[nodiscard]] bool release_spare_memory() { return memory_.release_empty_block(); }
  [[nodiscard]] uint64_t slots() const { return memory_.units_used() * kSlotsPerUnit; }

  // Calls visit(slot) for each slot of the page that `position` falls in (0 ≤ position < Slot::kTagCount, in the
  // order of tags), and returns where the next page begins; Slot::kTagCount at the end of the stripe.
  template <class Visit>
  uint32_t for_each_in_page(Stripe& stripe, uint32_t position, Visit&& visit) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    const Page page = locate(stripe, position);
    for (uint32_t b = 0; b < page.bucket_count(); ++b) {
      const Bucket& bucket = page.bucket(b);
      if (!page.is_current(bucket.control.load(std::memory_order_relaxed))) continue;
      for (const auto& word : bucket.slots) {
        const Slot slot(word.load(std::memory_order_relaxed));
        if (!slot.is_empty()) visit(slot);
      }
    }
    return page.end_tag(position);
  }

  // Calls visit(slot) for each slot of the bucket where a search for `tag` begins, and returns the first tag whose
  // search begins in a later one; Slot::kTagCount at the end of the stripe.
  template <class Visit>
  uint32_t for_each_in_bucket(Stripe& stripe, uint32_t tag, Visit&& visit) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    const Page page = locate(stripe, tag);
    const uint32_t home = page.home(tag);
    const Bucket& bucket = page.bucket(home);
    if (page.is_current(bucket.control.load(std::memory_order_relaxed))) {
      for (const auto& word : bucket.slots) {
        const Slot slot(word.load(std::memory_order_relaxed));
        if (!slot.is_empty()) visit(slot);
      }
    }
    return page.end_tag_of_home(tag, home);
  }

  // Lowers a slot's frequency by one, if it is not 0.
  void age(Stripe& stripe, const Position& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Invariants of one stripe; see lib/DESIGN.md.
  [[nodiscard]] absl::Status assert_valid(Stripe& stripe) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

 private:
  static constexpr size_t kUnitBytes = IndexMemory::kUnitBytes;
  static constexpr uint32_t kBucketsPerUnit = kUnitBytes / sizeof(Bucket);
  static constexpr uint32_t kSlotsPerUnit = kBucketsPerUnit * kSlotsPerBucket;
  static constexpr uint32_t kUnitsMax = IndexMemory::kRunUnitsMax;
  // A page with as many slots per unit grows; one that would be this full with a unit less shrinks.
  static constexpr uint32_t kFullSlotsPerUnit = kSlotsPerUnit * 7 / 8;
  static constexpr uint32_t kSparseSlotsPerUnit = kSlotsPerUnit * 5 / 8;
  // Beyond this a page without memory to grow takes no more.
  static constexpr uint32_t kCrammedSlotsPerUnit = kSlotsPerUnit * 15 / 16;
  // Tag bits the directory may consume; the rest must still tell kUnitsMax * kBucketsPerUnit buckets apart.
  static constexpr int kDepthMax = 14;
  static_assert((1u << (Slot::kTagBits - kDepthMax)) >= kUnitsMax * kBucketsPerUnit);
  static constexpr size_t kPagesOfSplit = 2;
  static constexpr size_t kDirectoryBytesMax = sizeof(uint32_t) << kDepthMax;

  // A search without the lock that is not over after so many buckets is left to those with the lock.
  static constexpr uint32_t kGlanceBucketsMax = 8;

  static constexpr int kSequenceShift = 24;
  static constexpr int kGenerationShift = 8;
  static constexpr uint64_t kGenerationMask = 0xffff;
  static constexpr uint64_t kPassedMask = 0xff;  // a count that reaches it stays there until the page is rebuilt

  static constexpr int kDepthBits = 4;
  static_assert(kDepthMax < 1 << kDepthBits);
  static constexpr int kUnitsBits = 2;
  static_assert(kUnitsMax == 1 << kUnitsBits);
  static_assert(IndexMemory::kUnitsMax == size_t{1} << (32 - kUnitsBits - kDepthBits));

  // Makes the bucket's sequence number odd while it lives.
  class BucketChange {
   public:
    explicit BucketChange(Bucket& bucket) : bucket_(bucket) {
      step(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_release);
    }
    ~BucketChange() { step(std::memory_order_release); }
    BucketChange(const BucketChange&) = delete;
    BucketChange& operator=(const BucketChange&) = delete;

   private:
    void step(std::memory_order order) {
      bucket_.control.store(bucket_.control.load(std::memory_order_relaxed) + (uint64_t{1} << kSequenceShift),
                            order);
    }
    Bucket& bucket_;
  };

  // Makes the stripe's layout number odd while it lives.
  class LayoutChange {
   public:
    explicit LayoutChange(Stripe& stripe) : stripe_(stripe) {
      step(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_release);
    }
    ~LayoutChange() { step(std::memory_order_release); }
    LayoutChange(const LayoutChange&) = delete;
    LayoutChange& operator=(const LayoutChange&) = delete;

   private:
    void step(std::memory_order order) {
      stripe_.layout.store(stripe_.layout.load(std::memory_order_relaxed) + 1, order);
    }
    Stripe& stripe_;
  };

  Index(Account& account, AddressSpace& space, Arena stripe_memory, uint64_t seed, Namespaces namespaces,
        OnVoid on_void, int stripe_bits);

  [[nodiscard]] static uint32_t encode(const Page& page) {
    return (page.first_unit << (kUnitsBits + kDepthBits)) | ((page.units - 1) << kDepthBits) |
           static_cast<uint32_t>(page.depth);
  }
  [[nodiscard]] Page decode(const std::atomic<uint32_t>& entry_word, uint64_t generation_bits) const {
    // Relaxed: without the mutex, what it leads to is checked by the layout number.
    const uint32_t entry = entry_word.load(std::memory_order_relaxed);
    const uint32_t first_unit = entry >> (kUnitsBits + kDepthBits);
    return {.first_unit = first_unit,
            .units = ((entry >> kDepthBits) & (kUnitsMax - 1)) + 1,
            .depth = static_cast<int>(entry & ((1u << kDepthBits) - 1)),
            .buckets = buckets_at(first_unit),
            .generation = generation_bits};
  }
  [[nodiscard]] Bucket* buckets_at(uint32_t unit) const { return reinterpret_cast<Bucket*>(memory_.at(unit)); }
  [[nodiscard]] Page locate(Stripe& stripe, uint32_t tag) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    return decode(stripe.entry(tag), stripe.generation.load(std::memory_order_relaxed) & kGenerationMask);
  }
  template <class IsWanted>
  [[nodiscard, gnu::always_inline]] static Position find_from(const Page& page, uint32_t home, uint32_t tag,
                                                              IsWanted&& is_wanted) {
    Position position{.home = home};
    for (; position.distance < page.bucket_count(); ++position.distance) {
      Bucket& bucket = page.bucket(position.home + position.distance);
      const uint64_t control = bucket.control.load(std::memory_order_relaxed);
      if (!page.is_current(control)) break;
      for (uint32_t matches = bucket.matches(tag); matches != 0; matches &= matches - 1) {
        position.slot = std::countr_zero(matches);
        const Slot slot(bucket.slots[static_cast<size_t>(position.slot)].load(std::memory_order_relaxed));
        if (!slot.is_empty() && is_wanted(slot.address())) {
          position.bucket = &bucket;
          return position;
        }
      }
      if (passed_by(control) == 0) break;
    }
    return {};
  }
  // What one bucket has, as far as it can be believed. Inlined with what calls it: see words.h on how many
  // instructions a lookup may have.
  template <class Take>
  [[nodiscard, gnu::always_inline]] static Sight look_into(Bucket& bucket, uint32_t matches, Take&& take) {
    for (; matches != 0; matches &= matches - 1) {
      auto& word = bucket.slots[static_cast<size_t>(std::countr_zero(matches))];
      const Slot slot(word.load(std::memory_order_relaxed));
      if (slot.is_empty()) continue;
      const Taken taken = take(slot.address());
      if (taken == Taken::kWanted) return Sight::found(word, slot);
      if (taken == Taken::kNeedsLock) return Sight::unsure();
    }
    return Sight::missing();
  }
  template <class Take>
  [[nodiscard, gnu::always_inline]] Sight glance_at_home(const Lead& lead, Take&& take) const {
    if (lead.layout % 2 != 0 || !lead.page.is_current_at_rest(lead.control)) [[unlikely]]
      return Sight::unsure();
    const Sight sight = look_into(*lead.bucket, lead.matches, take);
    if (sight.is_missing() && passed_by(lead.control) != 0) [[unlikely]]
      return Sight::unsure();
    std::atomic_thread_fence(std::memory_order_acquire);
    if (lead.bucket->control.load(std::memory_order_relaxed) != lead.control ||
        lead.stripe->layout.load(std::memory_order_relaxed) != lead.layout) [[unlikely]] {
      return Sight::unsure();
    }
    return sight;
  }
  // The glance of a search that does not end in its first bucket, or meets what a flush made void, all over again.
  template <class Take>
  [[nodiscard, gnu::noinline]] Sight glance_further(const Lead& lead, Take& take) const {
    if (lead.layout % 2 != 0) return Sight::unsure();
    const Page& page = lead.page;
    const uint32_t home = page.home(lead.tag);
    std::array<uint64_t, kGlanceBucketsMax> controls;
    uint32_t looked_at = 0;
    Sight sight = Sight::missing();
    for (bool is_over = false; !is_over && sight.is_missing();) {
      if (looked_at == kGlanceBucketsMax) return Sight::unsure();
      Bucket& bucket = page.bucket(home + looked_at);
      const uint64_t control = bucket.control.load(std::memory_order_acquire);
      if (is_odd(control)) return Sight::unsure();
      controls[looked_at++] = control;
      is_over = passed_by(control) == 0;
      const uint32_t matches = bucket.matches(lead.tag);
      if (page.is_current(control)) {
        sight = look_into(bucket, matches, take);
      } else {
        // Nothing there can be the record; but a void slot of this tag is for a search with the lock to report.
        sight = look_into(bucket, matches, [](uint64_t) { return Taken::kNeedsLock; });
      }
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    for (uint32_t i = 0; i < looked_at; ++i) {
      if (page.bucket(home + i).control.load(std::memory_order_relaxed) != controls[i]) return Sight::unsure();
    }
    if (lead.stripe->layout.load(std::memory_order_relaxed) != lead.layout) return Sight::unsure();
    return sight;
  }
  [[nodiscard]] uint64_t hash_in_namespace(std::string_view key, uint64_t hash) const;
  void enter(Stripe& stripe, const Page& page, uint32_t tag) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  void refresh(Stripe& stripe) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  [[nodiscard]] static uint64_t passed_by(uint64_t control) { return control & kPassedMask; }
  [[nodiscard]] static bool is_odd(uint64_t control) { return ((control >> kSequenceShift) & 1) != 0; }
  static void mark_used(std::atomic<uint64_t>& word, Slot slot) {
    if (slot.frequency() == Slot::kFrequencyMax) return;
    uint64_t seen = slot.word();
    // Even one that fails is a write, and memory that was given back must not be written to.
    if (word.load(std::memory_order_relaxed) != seen) return;
    // Relaxed, and no second try: a use that is not counted does no harm.
    word.compare_exchange_strong(seen, Slot(slot.tag(), slot.frequency() + 1, slot.address()).word(),
                                 std::memory_order_relaxed);
  }
  static void add_passed(Bucket& bucket);
  static void subtract_passed(Bucket& bucket);

  // How many slots the page has in use, void ones included.
  [[nodiscard]] uint16_t& slots_used(const Page& page) const { return memory_.note_of(page.first_unit); }
  // Makes bucket `number` current if it is void: drops what is in it, and in the void buckets behind it that its
  // slots may have passed on to. That keeps every void slot where a search that follows void buckets finds it. So
  // the cleaner, which looks for each record of a segment under its stripe's mutex before the segment is used again
  // (`purge`), leaves no slot, void or not, that points into it: a slot's record is whole as long as the slot is
  // there. Stops at the first bucket that is current: it became so by this same function, which went on behind it,
  // or it is as another page left it, and no slot of this one has passed it.
  void clear_void(Stripe& stripe, const Page& page, uint32_t number) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void clear(Stripe& stripe, const Page& page, Bucket& bucket) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] static bool can_be_found(const Page& page, uint32_t tag, uint32_t number);
  void place(Stripe& stripe, const Page& page, Slot slot) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  struct SlotList {
    std::array<Slot, kUnitsMax * kSlotsPerUnit> slots;
    size_t size = 0;
  };
  void take_all(Stripe& stripe, const Page& page, SlotList& list) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] bool add_first_page(Stripe& stripe) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] bool grow(Stripe& stripe, const Page& page, uint32_t tag)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] bool split(Stripe& stripe, const Page& page, uint32_t tag)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void shrink(Stripe& stripe, uint32_t tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] bool merge(Stripe& stripe, const Page& page, uint32_t tag)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void install(Stripe& stripe, std::unique_ptr<const Directory> directory)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] bool double_directory(Stripe& stripe) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] static uint32_t units_for(size_t slots);

  // A page of so many units, without slots, in memory of its own; none if there is no memory for it.
  [[nodiscard]] std::optional<Page> new_page(uint32_t units, int depth, uint64_t generation);
  // The page with only so many units, where it lies or before that.
  [[nodiscard]] Page moved_down(const Page& page, uint32_t units);
  // Moves all slots of the first pages to the others, which take their part of the tags from `first_tag` on. Memory
  // that only the first ones have is given back.
  void rebuild(Stripe& stripe, uint32_t first_tag, std::span<const Page> from, std::span<const Page> to)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void sweep(uint32_t stripe_number);

  // Of one namespace.
  struct Flushes {
    std::atomic<uint64_t> generation{0};
    std::atomic<uint32_t> next_sweep{0};
  };

  Account& account_;
  const uint64_t seed_;
  const int space_bits_;
  const int stripe_bits_;  // with those of the namespace
  const OnVoid on_void_;
  const Arena stripe_memory_;
  Stripe* const stripes_;
  IndexMemory memory_;
  // Read by every operation: beside what does not change.
  std::array<Flushes, kNamespacesMax + 1> flushes_;
  struct alignas(64) LimitedBytes {
    std::atomic<uint64_t> bytes{0};
  };
  const std::unique_ptr<LimitedBytes[]> limited_;  // by namespace; null if none is limited
  const Namespaces namespaces_;
  std::atomic<size_t> stripes_with_page_{0};  // relaxed: a number that stands for itself
  Mutex directories_mutex_;                   // innermost
  // Those in use and those before them, which may still be read: together they are as large as the ones in use.
  std::vector<std::unique_ptr<const Directory>> directories_ ABSL_GUARDED_BY(directories_mutex_);
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_INDEX_H_
