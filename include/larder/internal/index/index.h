// The index: finds the record of a key.
//
//   hash ─► stripe ─► directory ─► page ─► bucket ─► slot [tag|frequency|address] ─► record
//
// The hash selects a stripe, which has its own lock. The stripe's directory selects a page, and the page a bucket
// of one cache line. The upper bits of the hash are the number of the key's namespace, if any are declared, so
// that each namespace has its own stripes. slot.h, bucket.h and page.h show the layouts.
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
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/base/lock_order.h"
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
  // Holds a stripe's mutex. Every operation on a stripe starts with one.
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
    kNeedsMemory,  // the page must grow and the account has no room: make some, and retry
    kPageFull,     // too many slots have tags that the index cannot tell apart: evict one, and retry
  };

  // Called with each slot that a flush made stale, when it is dropped, under its stripe's mutex. Its record is
  // still whole then: see clear_stale.
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
  // The namespace number of a key with this hash.
  [[nodiscard]] uint32_t space_of(uint64_t hash) const { return top_bits(hash, space_bits_); }
  [[nodiscard]] uint32_t space_of(const Stripe& stripe) const {
    return space_bits_ == 0 ? 0 : number_of(stripe) >> (stripe_bits_ - space_bits_);
  }
  [[nodiscard]] const Namespaces& namespaces() const { return namespaces_; }
  // stripe_bits_ may be 0, and a shift by 64 is undefined.
  [[nodiscard]] Stripe& stripe_of(uint64_t hash) const { return stripes_[hash >> 1 >> (63 - stripe_bits_)]; }
  [[nodiscard]] uint32_t tag_of(uint64_t hash) const {
    return static_cast<uint32_t>(hash >> (64 - stripe_bits_ - Slot::kTagBits)) & (Slot::kTagCount - 1);
  }
  [[nodiscard]] uint32_t stripe_count() const { return namespaces_.count() * stripes_per_space(); }
  // The stripes of a namespace are contiguous.
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
  void prefetch_mutex(uint64_t hash) const { __builtin_prefetch(&stripe_of(hash).mutex); }
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
    prefetch_mutex(hash);
    return start_probe(hash);
  }
  // Both steps of a probe at once.
  [[nodiscard, gnu::always_inline]] Probe probe_bucket(uint64_t hash) const {
    Probe probe = start_probe(hash);
    probe.load_bucket();
    return probe;
  }
  // Like `find` above, for a search that started before the stripe was locked.
  template <class IsWanted>
  [[nodiscard, gnu::always_inline]] SlotPosition find(Stripe& stripe, const Probe& probe,
                                                      IsWanted&& is_wanted) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    if (stripe.layout.load(std::memory_order_relaxed) != probe.layout) [[unlikely]]
      return find(stripe, probe.tag, is_wanted);
    Page page = probe.page;
    page.generation = stripe.generation.load() & Bucket::kGenerationMask;
    return find_from(page, static_cast<uint32_t>(probe.bucket - page.buckets), probe.tag, is_wanted);
  }

  // Adds a slot for a key that has none.
  InsertResult insert(Stripe& stripe, Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Replaces a slot by another one with the same tag.
  void replace(Stripe& stripe, const SlotPosition& position, Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Runs `change`, which changes the slot's record in place, as one change of its bucket.
  template <class Change>
  void change_record(Stripe& stripe, const SlotPosition& position, Change&& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    (void)stripe;
    const BucketChange guard(*position.bucket);
    change();
  }

  void erase(Stripe& stripe, const SlotPosition& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // The slot with the lowest frequency in the bucket where a search for `tag` starts; none if the bucket is empty.
  [[nodiscard]] SlotPosition coldest_near(Stripe& stripe, uint32_t tag) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // --- flushes ---

  [[nodiscard]] uint64_t generation(uint32_t space) const {
    return flushes_[space].generation.load(std::memory_order_acquire);
  }
  // Whether a flush has made the stripe's contents stale since it was locked.
  [[nodiscard]] bool is_stale(const Stripe& stripe) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    return generation(space_of(stripe)) != stripe.generation.load();
  }
  // Whether anything was ever flushed.
  [[nodiscard]] bool has_flushed() const;
  // Makes everything in one namespace, or in all, stale.
  void flush(uint32_t space);
  void flush();
  // A stale slot with this tag, or none.
  [[nodiscard]] SlotPosition find_flushed(Stripe& stripe, uint32_t tag) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  // Whether it was the last flush of its namespace that made this slot stale.
  [[nodiscard]] bool is_of_last_generation(const Stripe& stripe, const SlotPosition& position) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    return Bucket::generation(position.bucket->control.load(std::memory_order_relaxed)) ==
           ((stripe.generation.load() - 1) & Bucket::kGenerationMask);
  }
  // Whether there is a stale slot with this tag. Removes it, so that it is reported once.
  [[nodiscard]] bool take_flushed(Stripe& stripe, uint32_t tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  // Drops stale slots where a search for `tag` looks, and shrinks the page.
  void purge(Stripe& stripe, uint32_t tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // --- sums ---

  // What a record of `bytes` adds to the sums.
  [[nodiscard]] static constexpr StripeSums share(size_t bytes, bool is_hidden = false) {
    return is_hidden ? StripeSums{.hidden_bytes = bytes} : StripeSums{.items = 1, .item_bytes = bytes};
  }
  void count(Stripe& stripe, const StripeSums& added, const StripeSums& removed) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] StripeSums sums() const;
  [[nodiscard]] StripeSums sums(uint32_t space) const;
  // About sums(), from so many stripes at most.
  [[nodiscard]] StripeSums estimated_sums(uint32_t stripes_max) const;
  [[nodiscard]] static StripeSums sums(const Stripe& stripe) {
    return {.items = stripe.items.load(),
            .item_bytes = stripe.item_bytes.load(),
            .hidden_bytes = stripe.hidden_bytes.load()};
  }
  // The bytes of a namespace's records, or how many items there are in the whole cache (namespaces.h), without adding
  // up stripes; only if there is such a limit. What is stale counts until its stripe is locked.
  [[nodiscard]] uint64_t limited(uint32_t space) const { return limited_[space].amount.load(); }
  // Whether the stripe is empty, so that locking it is useless.
  [[nodiscard]] bool is_empty(const Stripe& stripe) const {
    if (!has_page(number_of(stripe))) return true;
    return stripe.items.load() == 0 && stripe.hidden_bytes.load() == 0 &&
           stripe.generation.load() == generation(space_of(stripe));
  }
  // What the index would take now without any items: a stripe keeps its first page.
  [[nodiscard]] size_t bytes_min() const {
    return round_up((1 + stripes_with_page_.load()) * kPageUnitBytes, memory_.grain_bytes());
  }
  // The most memory that one step may need after kNeedsMemory: making less room is useless, however often.
  [[nodiscard]] size_t growth_bytes_max() const { return memory_.charge_max(kPagesOfSplit) + kDirectoryBytesMax; }
  // Gives back charged memory that is not used, if there is any.
  [[nodiscard]] bool release_spare_memory() { return memory_.release_spare(); }
  [[nodiscard]] uint64_t slots() const { return memory_.units_used() * kSlotsPerUnit; }

  // Calls visit(slot) for each slot of the page that covers `position` (0 ≤ position < Slot::kTagCount, in tag
  // order), and returns where the next page starts; Slot::kTagCount at the end of the stripe.
  template <class Visit>
  uint32_t for_each_in_page(Stripe& stripe, uint32_t position, Visit&& visit) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    const Page page = locate(stripe, position);
    for (uint32_t b = 0; b < page.bucket_count(); ++b) for_each_slot(page, page.bucket(b), visit);
    return page.end_tag(position);
  }

  // Calls visit(slot) for each slot of the bucket where a search for `tag` starts, and returns the first tag whose
  // search starts in a later one; Slot::kTagCount at the end of the stripe.
  template <class Visit>
  uint32_t for_each_in_bucket(Stripe& stripe, uint32_t tag, Visit&& visit) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    const Page page = locate(stripe, tag);
    const uint32_t home = page.home(tag);
    for_each_slot(page, page.bucket(home), visit);
    return page.end_tag_of_home(tag, home);
  }

  // Subtracts one from a slot's frequency, if it is not 0.
  void age(Stripe& stripe, const SlotPosition& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  // Invariants of one stripe; see lib/DESIGN.md.
  [[nodiscard]] absl::Status assert_valid(Stripe& stripe) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

 private:
  static constexpr size_t kPagesOfSplit = 2;
  static constexpr size_t kDirectoryBytesMax = sizeof(uint32_t) << kPageDepthMax;

  Index(Account& account, AddressSpace& space, Arena stripe_memory, uint64_t seed, Namespaces namespaces,
        OnStale on_stale, int stripe_bits);

  [[nodiscard]] Page page_at(const RelaxedAtomic<uint32_t>& entry, uint64_t generation) const {
    // Relaxed: without the mutex, the layout number validates what it leads to.
    return Page::decoded(entry.load(), memory_, generation & Bucket::kGenerationMask);
  }
  [[nodiscard]] Bucket* buckets_at(uint32_t unit) const { return reinterpret_cast<Bucket*>(memory_.at(unit)); }
  [[nodiscard]] Page locate(Stripe& stripe, uint32_t tag) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    return page_at(stripe.entry(tag), stripe.generation.load());
  }
  [[nodiscard]] uint64_t hash_in_namespace(std::string_view key, uint64_t hash) const;
  void enter(Stripe& stripe, const Page& page, uint32_t tag) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  void refresh(Stripe& stripe) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  static void add_overflow(Bucket& bucket);
  static void subtract_overflow(Bucket& bucket);

  // How many slots of the page are in use, including stale ones.
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

  // A page of `units` units without slots, in its own memory; none if there is no memory for it.
  [[nodiscard]] std::optional<Page> new_page(uint32_t units, int depth, uint64_t generation);
  // The page with only `units` units, in place or at a lower address.
  [[nodiscard]] Page moved_down(const Page& page, uint32_t units);
  // Moves all slots of the pages `from` to the pages `to`, which share their tags from `first_tag` on. Memory that
  // only the former have is given back.
  void rebuild(Stripe& stripe, uint32_t first_tag, std::span<const Page> from, std::span<const Page> to)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void sweep(uint32_t stripe_number);
  // For each stripe from `begin` on that may have items: of many stripes, the memory of others stays untouched.
  template <class Visit>
  void for_each_with_page(uint32_t begin, uint32_t end, Visit&& visit) const;
  [[nodiscard]] bool has_page(uint32_t stripe_number) const {
    return (with_page_[stripe_number / 64].load() >> stripe_number % 64 & 1) != 0;
  }

  // Per namespace.
  struct Flushes {
    OrderedAtomic<uint64_t> generation{0};
    RelaxedAtomic<uint32_t> next_sweep{0};
  };

  Account& account_;
  const uint64_t seed_;
  const int space_bits_;
  const int stripe_bits_;  // including those of the namespace
  const OnStale on_stale_;
  const Arena stripe_memory_;
  Stripe* const stripes_;
  RelaxedAtomic<uint64_t>* const
      with_page_;  // behind the stripes: one bit of each, set when it gets its first page
  IndexMemory memory_;
  // Read by every operation: next to members that do not change.
  const std::unique_ptr<Flushes[]> flushes_;
  struct alignas(64) Limited {
    RelaxedAtomic<uint64_t> amount{0};
  };
  const std::unique_ptr<Limited[]> limited_;  // by namespace; null if none is limited
  const Namespaces namespaces_;
  RelaxedAtomic<size_t> stripes_with_page_{0};  // relaxed: no other data depends on it
  Mutex directories_mutex_ ABSL_ACQUIRED_AFTER(lock_order::kLog) ABSL_ACQUIRED_BEFORE(lock_order::kRemovals);
  // The current ones and their predecessors, which may still be read: together these are as large as the current
  // ones.
  std::vector<std::unique_ptr<const Directory>> directories_ ABSL_GUARDED_BY(directories_mutex_);
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_INDEX_H_
