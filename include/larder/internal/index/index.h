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
#ifndef LARDER_INTERNAL_INDEX_INDEX_H_
#define LARDER_INTERNAL_INDEX_INDEX_H_

#include <array>
#include <atomic>
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
#include "larder/internal/base/hash.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/index/bucket.h"
#include "larder/internal/index/directory.h"
#include "larder/internal/index/index_memory.h"
#include "larder/internal/index/namespaces.h"
#include "larder/internal/index/optimistic_read.h"
#include "larder/internal/index/page.h"
#include "larder/internal/index/position.h"
#include "larder/internal/index/slot.h"
#include "larder/internal/index/stripe.h"

namespace larder::internal {

class Index {
 public:
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
  // whole then: see clear_stale.
  using OnStale = std::function<void(Stripe& stripe, Slot slot)>;

  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Index>> create(Account& account, AddressSpace& space,
                                                                     uint64_t seed, Namespaces namespaces = {},
                                                                     OnStale on_stale = nullptr);
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
  [[nodiscard]] SlotPosition find(Stripe& stripe, uint32_t tag, IsWanted&& is_wanted) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    const Page page = locate(stripe, tag);
    return find_from(page, page.home(tag), tag, is_wanted);
  }

  void prefetch_stripe(uint64_t hash) const { __builtin_prefetch(&stripe_of(hash)); }
  [[nodiscard]] Probe start_probe(uint64_t hash) const {
    Probe probe;
    probe.stripe = &stripe_of(hash);
    probe.layout = probe.stripe->layout.load(std::memory_order_acquire);
    probe.tag = tag_of(hash);
    probe.page = page_at(probe.stripe->entry(probe.tag), generation(space_of(hash)));
    probe.bucket = &probe.page.buckets[probe.page.home(probe.tag)];
    __builtin_prefetch(probe.bucket);
    return probe;
  }
  // The same for a search with the lock.
  Probe prefetch(uint64_t hash) const {
    __builtin_prefetch(&stripe_of(hash).mutex);
    return start_probe(hash);
  }
  // Both steps of a probe at once.
  [[nodiscard, gnu::always_inline]] Probe probe_bucket(uint64_t hash) const {
    Probe probe = start_probe(hash);
    probe.load_bucket();
    return probe;
  }
  // The same as `find` above, for a search that was on its way before the stripe was locked.
  template <class IsWanted>
  [[nodiscard, gnu::always_inline]] SlotPosition find(Stripe& stripe, Probe& probe, IsWanted&& is_wanted) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    if (stripe.layout.load(std::memory_order_relaxed) != probe.layout) [[unlikely]]
      return find(stripe, probe.tag, is_wanted);
    probe.page.generation = stripe.generation.load(std::memory_order_relaxed) & Bucket::kGenerationMask;
    return find_from(probe.page, static_cast<uint32_t>(probe.bucket - probe.page.buckets), probe.tag, is_wanted);
  }

  // Adds a slot for a key that has none.
  InsertResult insert(Stripe& stripe, Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Puts another slot of the same tag in a slot's place.
  void replace(Stripe& stripe, const SlotPosition& position, Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Runs `change` of the record that the slot points at as one change of its bucket.
  template <class Change>
  void change_record(Stripe& stripe, const SlotPosition& position, Change&& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    (void)stripe;
    const BucketChange guard(*position.bucket);
    change();
  }

  void erase(Stripe& stripe, const SlotPosition& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Of the bucket where a search for `tag` begins, the slot with the lowest frequency; none if it is empty.
  [[nodiscard]] SlotPosition coldest_near(Stripe& stripe, uint32_t tag) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // --- flushes ---

  [[nodiscard]] uint64_t generation(uint32_t space) const {
    return flushes_[space].generation.load(std::memory_order_acquire);
  }
  // Whether what the stripe holds has become void since it was locked.
  [[nodiscard]] bool is_stale(const Stripe& stripe) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    return generation(space_of(stripe)) != stripe.generation.load(std::memory_order_relaxed);
  }
  // Whether anything was ever flushed.
  [[nodiscard]] bool has_flushed() const;
  // Everything of one namespace, or of all, is void from now on.
  void flush(uint32_t space);
  void flush();
  // A slot that a flush made void and that had this tag.
  [[nodiscard]] SlotPosition find_flushed(Stripe& stripe, uint32_t tag) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  // Whether there is one. Removes it, so that it is reported once.
  [[nodiscard]] bool take_flushed(Stripe& stripe, uint32_t tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  // Drops what flushes made void where a search for `tag` looks, and shrinks its page.
  void purge(Stripe& stripe, uint32_t tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // --- sums ---

  // What a record of so many bytes adds to the sums.
  [[nodiscard]] static constexpr StripeSums share(size_t bytes, bool is_hidden = false) {
    return is_hidden ? StripeSums{.hidden_bytes = bytes} : StripeSums{.items = 1, .item_bytes = bytes};
  }
  void count(Stripe& stripe, const StripeSums& added, const StripeSums& removed) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] StripeSums sums() const;
  [[nodiscard]] StripeSums sums(uint32_t space) const;
  [[nodiscard]] static StripeSums sums(const Stripe& stripe) {
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
    return round_up((1 + stripes_with_page_.load(std::memory_order_relaxed)) * kPageUnitBytes,
                    memory_.grain_bytes());
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
    for (uint32_t b = 0; b < page.bucket_count(); ++b) for_each_slot(page, page.bucket(b), visit);
    return page.end_tag(position);
  }

  // Calls visit(slot) for each slot of the bucket where a search for `tag` begins, and returns the first tag whose
  // search begins in a later one; Slot::kTagCount at the end of the stripe.
  template <class Visit>
  uint32_t for_each_in_bucket(Stripe& stripe, uint32_t tag, Visit&& visit) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    const Page page = locate(stripe, tag);
    const uint32_t home = page.home(tag);
    for_each_slot(page, page.bucket(home), visit);
    return page.end_tag_of_home(tag, home);
  }

  // Lowers a slot's frequency by one, if it is not 0.
  void age(Stripe& stripe, const SlotPosition& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Invariants of one stripe; see lib/DESIGN.md.
  [[nodiscard]] absl::Status assert_valid(Stripe& stripe) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

 private:
  static constexpr size_t kPagesOfSplit = 2;
  static constexpr size_t kDirectoryBytesMax = sizeof(uint32_t) << kPageDepthMax;

  Index(Account& account, AddressSpace& space, Arena stripe_memory, uint64_t seed, Namespaces namespaces,
        OnStale on_stale, int stripe_bits);

  [[nodiscard]] Page page_at(const std::atomic<uint32_t>& entry, uint64_t generation) const {
    // Relaxed: without the mutex, what it leads to is checked by the layout number.
    return Page::decoded(entry.load(std::memory_order_relaxed), memory_, generation & Bucket::kGenerationMask);
  }
  [[nodiscard]] Bucket* buckets_at(uint32_t unit) const { return reinterpret_cast<Bucket*>(memory_.at(unit)); }
  [[nodiscard]] Page locate(Stripe& stripe, uint32_t tag) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    return page_at(stripe.entry(tag), stripe.generation.load(std::memory_order_relaxed));
  }
  [[nodiscard]] uint64_t hash_in_namespace(std::string_view key, uint64_t hash) const;
  void enter(Stripe& stripe, const Page& page, uint32_t tag) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  void refresh(Stripe& stripe) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  static void add_overflow(Bucket& bucket);
  static void subtract_overflow(Bucket& bucket);

  // How many slots the page has in use, void ones included.
  [[nodiscard]] uint16_t& slots_used(const Page& page) const { return memory_.note_of(page.first_unit); }
  void clear_stale(Stripe& stripe, const Page& page, uint32_t number) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void clear(Stripe& stripe, const Page& page, Bucket& bucket) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] static bool can_be_found(const Page& page, uint32_t tag, uint32_t number);
  void place(Stripe& stripe, const Page& page, Slot slot) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  struct SlotList {
    std::array<Slot, kPageUnitsMax * kSlotsPerUnit> slots;
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
  const OnStale on_stale_;
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
  Mutex directories_mutex_;
  // Those in use and those before them, which may still be read: together they are as large as the ones in use.
  std::vector<std::unique_ptr<const Directory>> directories_ ABSL_GUARDED_BY(directories_mutex_);
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_INDEX_H_
