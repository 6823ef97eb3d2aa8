// The log: all items of a cache, in segments.
//
// A segment is a run of memory that records are appended to. There is one open segment per lane, chain and expiry
// class, from the first record that needs it; when it is full it is sealed. A large item is a segment of its own,
// in whole pages. Segments form two chains in the order in which they were opened: *small*, where new items are on
// probation, and *main*. Threads with different numbers use different lanes, so that they write to different
// segments; a small cache has one lane only.
//
//           ┌──────────────────── free ◄───────────────────┐
//           ▼                      │ no pins left           │
//   unused ─► free ─► open ─► sealed ─► cleaning ─► draining┘         (large: unused ─► sealed ─► … ─► unused)
//                                │ nothing live │
//                                └──────────────┘ freed at once
//
// Why a segment can be cleaned: it is not open, so nothing more can be reserved in it; and it has no writers, so
// every record in it is whole and stays so (record.h says which bytes may still change, and under which lock). Why
// it can be reused: the cleaner has removed every slot that pointed into it, each under its stripe's lock, and
// nobody has it pinned. A pin is taken under the stripe's lock of a slot that points into the segment, or by a
// thread that has it pinned already.
//
// Nobody waits for a pin: it may be the waiting thread's own, if that calls the cache from inside a visitor. The
// pin of a handle may besides last as long as the program likes; therefore the room of all held segments is
// bounded.
//
// Threads: reserve, commit, pins and live bytes are lock-free; the log's mutex guards the rest.
#ifndef LARDER_INTERNAL_SEGMENTS_LOG_H_
#define LARDER_INTERNAL_SEGMENTS_LOG_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "larder/internal/base/account.h"
#include "larder/internal/base/address_space.h"
#include "larder/internal/base/arena.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/buddy_allocator.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/base/page_size.h"
#include "larder/internal/base/thread_number.h"
#include "larder/internal/item/record.h"
#include "larder/internal/segments/expiry_class.h"
#include "larder/internal/segments/segment.h"

namespace larder::internal {

class Log {
 public:
  // Who asks for room. One free segment is reserved for each victim: all that is live in it fits there, and the
  // victim then replaces it. A store that has waited for a segment takes room in any open segment.
  enum class For : uint8_t { kStore, kStoreThatWaited, kCleaner };

  struct Usage {
    uint64_t segments = 0, segments_free = 0, live_bytes = 0, used_bytes = 0, handles = 0, handle_bytes = 0;
  };

  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Log>> create(Account& account, AddressSpace& space);
  // The address space that a log with this limit needs.
  [[nodiscard]] static size_t address_bytes(const Extent& extent, size_t limit_bytes);
  ~Log();

  // --- room ---

  // Reserves room for a record of `bytes`; none if there is no memory for it (make some without a lock held, and
  // retry). Fill and commit it soon: it holds up the cleaner.
  [[nodiscard]] std::optional<Reservation> try_reserve(size_t bytes, Chain chain, int64_t deadline_ms,
                                                       int64_t now_ms, For whom);

  // Call when the record is whole and a slot points at it (or it is dead); `live_bytes`: Record::live_bytes.
  void commit(const Reservation& place, size_t live_bytes);

  // --- records ---

  [[nodiscard]] std::byte* at(uint64_t address) const { return memory_.at(address); }
  [[nodiscard]] SegmentId segment_of(uint64_t address) const {
    return static_cast<SegmentId>(address >> segment_shift_);
  }
  // The segment of the record that a view of a key lies in: a key starts in the first unit of its segment.
  [[nodiscard]] SegmentId segment_of(std::string_view key) const {
    return segment_of(memory_.offset_of(key.data()));
  }
  // Whether a view refers to a record in place, rather than to a copy.
  [[nodiscard]] bool contains(std::string_view view) const { return memory_.contains(view.data()); }
  // Whether it refers to a record in this segment.
  [[nodiscard]] bool contains(SegmentId id, std::string_view view) const;
  // Whether a record of `bytes` is a large item.
  [[nodiscard]] bool is_large(size_t bytes) const { return bytes > small_record_bytes_max_; }
  // The room that a large item of `bytes` takes: whole pages of the system.
  [[nodiscard]] static size_t large_room_bytes(size_t bytes) { return round_up(bytes, os_page_bytes()); }
  // The most that must be charged for it, including a page of descriptors, if its own is the first there.
  [[nodiscard]] static size_t large_charge_max(size_t bytes) { return large_room_bytes(bytes) + os_page_bytes(); }
  [[nodiscard]] uint64_t address_of(SegmentId segment) const { return uint64_t{segment} << segment_shift_; }
  [[nodiscard]] Segment& segment(SegmentId id) const { return segments_[id]; }

  // The record at the address in a slot, under the lock of that slot's stripe.
  [[nodiscard]] Record record_at(uint64_t address) const {
    std::byte* const memory = at(address);
    const size_t room = Record::room_at(memory);
    if (room != 0) return {memory, room};
    // Relaxed: the lock orders it after the record was written.
    const SegmentId id = segment_of(address);
    return {memory, segment(id).room_bytes.load() - (address - address_of(id))};
  }

  // A live record was changed in place: its size, its deadline.
  void adjust_live(uint64_t address, int64_t bytes);
  void change_deadline(uint64_t address, int64_t old_deadline_ms, int64_t deadline_ms);

  // The slot of a record of `live_bytes` was removed. May give the record's memory back to the system.
  void remove_live(uint64_t address, size_t live_bytes);

  // While a segment is pinned, nothing in it is changed in place or reused. Pin it under the stripe's lock of a
  // slot that points into it; unpin it without a lock.
  void pin(SegmentId id) { segment(id).pins.fetch_add(1, std::memory_order_seq_cst); }
  void unpin(SegmentId id);
  class Pin {
   public:
    Pin() = default;
    Pin(Log& log, SegmentId id) : log_(&log), id_(id) { log.pin(id); }
    ~Pin() {
      if (log_ != nullptr) log_->unpin(id_);
    }
    Pin(Pin&& other) noexcept : log_(std::exchange(other.log_, nullptr)), id_(other.id_) {}
    Pin& operator=(Pin&& other) noexcept {
      std::swap(log_, other.log_);
      std::swap(id_, other.id_);
      return *this;
    }

   private:
    Log* log_ = nullptr;
    SegmentId id_ = 0;
  };
  // Adds a handle to a segment that the caller has pinned, unless the room of all held segments would exceed
  // `bytes_max`.
  [[nodiscard]] bool try_add_handle(SegmentId id, size_t bytes_max);
  void end_handle(SegmentId id);
  [[nodiscard]] bool is_pinned(SegmentId id) const { return segment(id).pins.load(std::memory_order_seq_cst) != 0; }

  // --- cleaning (each victim by one thread at a time) ---

  // Over how many lanes stores are spread, which is also how many victims may be cleaned at a time. A power of two.
  [[nodiscard]] size_t lane_count() const { return lane_count_.load(); }
  // Whatever the limit becomes.
  [[nodiscard]] size_t lane_count_max() const { return lanes_.size(); }
  // That of the calling thread.
  [[nodiscard]] size_t lane() const { return thread_number() & (lane_count() - 1); }
  [[nodiscard]] bool has_other_victims() const;
  // After the limit was changed: uses as many lanes as there is room for, and seals what is open in others.
  void adapt_lanes();

  // The address of a segment's first record.
  [[nodiscard]] uint64_t first_in(SegmentId id) const { return address_of(id) + segment(id).lead_bytes.load(); }
  // The address where the records of a victim end.
  [[nodiscard]] uint64_t end_of(SegmentId id) const { return address_of(id) + segment(id).used_bytes(); }
  // Puts a victim that could not be cleaned back where it was.
  void put_back(SegmentId id);
  // Puts a large item that is kept back, as the newest of `chain`.
  void put_back(SegmentId id, Chain chain);
  // Frees a victim in which nothing is live any more.
  void finish(SegmentId id);

  // Whether a store that needs a new segment would get one.
  [[nodiscard]] bool has_free_segment() const;
  // Gives a free segment back to the system, except those reserved for victims; false if there is none.
  bool release_free_segment();
  // The same for the room of a large item that is gone; and only if none was used since the last call of this kind.
  bool release_free_large();
  bool release_unused_large();
  // The room of all such, which the next large items take: it is charged.
  [[nodiscard]] size_t free_large_bytes() const { return free_large_bytes_.load(); }

  // Everything stored so far is stale: its segments are cleaned first.
  void flush();
  // About `bytes` of what was stored so far are stale, in unknown segments. As long as that is a large part of
  // everything, segments opened so far are searched for them first; and in any case before a store fails.
  void flush_some(uint64_t bytes);

  // The highest limit that there is address space for.
  [[nodiscard]] size_t limit_bytes_max() const { return extent_.limit_bytes; }
  // What an empty log takes.
  [[nodiscard]] size_t bytes_min() const { return kReservedSegmentsMin * segment_bytes_ + os_page_bytes(); }
  // The room of all segments that handles hold.
  [[nodiscard]] size_t handle_bytes() const;
  [[nodiscard]] size_t segment_bytes() const { return segment_bytes_; }
  [[nodiscard]] Usage usage() const;
  // Invariants of segments and chains; see lib/DESIGN.md. No operation may be under way.
  [[nodiscard]] absl::Status assert_valid() const;
  // Calls visit(id) for each segment that may hold records.
  template <class Visit>
  void for_each_segment(Visit&& visit) const {
    const MutexLock lock(mutex_);
    for (SegmentId id = next_made(0); id != 0; id = next_made(id)) {
      if (holds_records(segments_[id].state.load(std::memory_order_relaxed))) visit(id);
    }
  }

 private:
  friend class Victims;  // chooses the next victim, under the mutex
  // What is live in one victim can always be moved.
  static constexpr size_t kReservedSegmentsMin = 1;
  // A small cache whose limit is raised later gets no more than the first number.
  static constexpr size_t kLanesMin = 8;
  static constexpr size_t kLanesMax = 64;
  // Below that, open segments that are half empty would take too much.
  static constexpr size_t kSegmentsPerLane = 64;

  using Lane = std::array<std::array<OrderedAtomic<SegmentId>, kExpiryClassCount>, kChainCount>;

  Log(Account& account, AddressSpace& space);

  [[nodiscard]] size_t segments_at(size_t limit_bytes) const { return limit_bytes >> segment_shift_; }
  [[nodiscard]] size_t lanes_at(size_t limit_bytes) const {
    return std::bit_floor(std::clamp(segments_at(limit_bytes) / kSegmentsPerLane, size_t{1}, kLanesMax));
  }
  [[nodiscard]] OrderedAtomic<SegmentId>& open_segment(Chain chain, int expiry_class) {
    return lanes_[lane()][static_cast<size_t>(chain)][static_cast<size_t>(expiry_class)];
  }
  [[nodiscard]] int class_of(int64_t deadline_ms, int64_t now_ms) const;

  [[nodiscard]] std::optional<Reservation> reserve(size_t bytes, Chain chain, int expiry_class, For whom);
  [[nodiscard]] std::optional<Reservation> append(SegmentId id, size_t bytes);
  [[nodiscard]] std::optional<Reservation> append_elsewhere(Chain chain, size_t bytes);
  [[nodiscard]] std::optional<Reservation> append_survivor(Chain chain, size_t bytes);
  [[nodiscard]] bool open_next(OrderedAtomic<SegmentId>& open, Chain chain, SegmentId full, For whom);
  [[nodiscard]] std::optional<Reservation> reserve_large(size_t bytes, Chain chain);

  [[nodiscard]] SegmentId take_free(For whom) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] SegmentId take_number() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Its own room is still what it had. 0: none is of this order, or there is no memory to extend it.
  [[nodiscard]] SegmentId take_free_large(size_t room_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // 0: there is no memory, or no address space.
  [[nodiscard]] SegmentId make_large(size_t room_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Charges a segment, and a page of descriptors, in case its descriptor is the first one used there.
  [[nodiscard]] bool try_charge(Use use, size_t bytes);
  void release_charge(Use use, size_t bytes);
  [[nodiscard]] Segment& first_in_page_of(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // These return the charge for a page of descriptors that is not needed (any more).
  void begin_descriptor(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void end_descriptor(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes the memory of a segment and its descriptor usable; false if the system refuses it.
  [[nodiscard]] bool make(SegmentId id, size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] int large_order(size_t bytes) const;
  // The next after `id` of the segments that may be in use; 0 after the last one. Start with 0.
  [[nodiscard]] SegmentId next_made(SegmentId id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] size_t made_count() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return end_of_made_ - first_made_;
  }
  void start(Segment& segment, Chain chain, size_t room_bytes, bool is_large, uint8_t lead_bytes,
             SegmentState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void seal(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void seal_open(OrderedAtomic<SegmentId>& open) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // These return whether the caller must give the memory back with `give_back`, which takes too long for the
  // mutex.
  [[nodiscard]] bool free_segment(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] bool free_when_unpinned(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void give_back(SegmentId id) ABSL_LOCKS_EXCLUDED(mutex_);
  // Inserts it before `newer` (0: as the newest). A chain is sorted by `opened`, so what was opened before a given
  // moment is found from its oldest end.
  void insert_into_chain(SegmentId id, Chain chain, SegmentId newer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void remove_from_chain(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Sealed segments are listed by their dead share, in steps, so that the emptiest is found at once. A list is a
  // hint: a change of the share while the segment is being sealed may be missed until the next change.
  static constexpr uint8_t kDeadSteps = 16;
  [[nodiscard]] static uint8_t dead_step(uint64_t live_bytes, uint64_t used_bytes) {
    // The segment may have been freed and reused meanwhile.
    if (used_bytes == 0) return 1;
    return static_cast<uint8_t>(1 + (used_bytes - std::min(live_bytes, used_bytes)) * kDeadSteps / used_bytes);
  }
  // Called after a change of the live bytes, without the mutex.
  void follow_dead_share(SegmentId id, uint64_t old_live_bytes, uint64_t live_bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // Lists a sealed segment, or moves it to another list. Not for large items: these are wholly live, or freed.
  void list_by_dead_share(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void unlist(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether there is room for what is live in one more victim. If not, more is reserved, as far as there are lanes.
  [[nodiscard]] bool may_take_victim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Moves a sealed segment to the other chain; takes one out of its chain, for the cleaner.
  void move_to(SegmentId id, Chain chain) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void take(SegmentId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many free segments no store gets.
  [[nodiscard]] size_t reserved_count() const { return reserved_count_.load(); }

  Account& account_;
  const size_t segment_bytes_;
  const size_t small_record_bytes_max_;
  const int segment_shift_;
  const Extent extent_;
  // Both are changed under the mutex, and only to make more of them writable.
  Arena memory_;
  Arena descriptors_;
  Segment* const segments_;  // by SegmentId
  // Units from here on are for large items, whose last page is seldom a huge one; units before it are for
  // segments. Both are used from here outward, so that the writable memory is contiguous.
  const SegmentId first_large_;
  std::vector<Lane> lanes_;                                        // open segments
  std::array<OrderedAtomic<SegmentId>, kChainCount> survivors_{};  // open, and only for cleaners
  // Written under the mutex, and read without it, as hints: free_.size(), the room in free_large_, how many free
  // segments no store gets, how many lanes are used, and whether a segment can be had if the account has room.
  RelaxedAtomic<size_t> free_count_{0};
  RelaxedAtomic<size_t> free_large_bytes_{0};
  RelaxedAtomic<bool> is_free_large_used_{false};
  RelaxedAtomic<size_t> reserved_count_{kReservedSegmentsMin};
  RelaxedAtomic<size_t> lane_count_{1};
  RelaxedAtomic<bool> can_grow_{true};

  mutable Mutex mutex_ ABSL_ACQUIRED_AFTER(lock_order::kLog) ABSL_ACQUIRED_BEFORE(lock_order::kRemovals);
  BuddyAllocator segment_numbers_ ABSL_GUARDED_BY(mutex_);  // counted downward from first_large_
  BuddyAllocator large_numbers_ ABSL_GUARDED_BY(mutex_);    // from first_large_ on
  SegmentId first_made_ ABSL_GUARDED_BY(mutex_);            // no segment before it is in use
  SegmentId end_of_made_ ABSL_GUARDED_BY(mutex_);           // none from here on is in use
  SegmentId first_given_ ABSL_GUARDED_BY(mutex_);           // lowest segment ever given out
  uint64_t end_of_large_ ABSL_GUARDED_BY(mutex_) = 0;       // end of large items ever given out
  std::vector<SegmentId> free_ ABSL_GUARDED_BY(mutex_);
  std::vector<SegmentId> free_large_ ABSL_GUARDED_BY(mutex_);  // oldest first
  std::array<SegmentId, kChainCount> oldest_ ABSL_GUARDED_BY(mutex_) = {};
  std::array<SegmentId, kChainCount> newest_ ABSL_GUARDED_BY(mutex_) = {};
  // Items of the small chain that were oversized (segment.h) when they came, oldest first: at most about ten.
  std::vector<SegmentId> oversized_ ABSL_GUARDED_BY(mutex_);
  std::array<uint64_t, kChainCount> chain_bytes_ ABSL_GUARDED_BY(mutex_) = {};
  std::array<SegmentId, kDeadSteps + 2> by_dead_share_ ABSL_GUARDED_BY(mutex_) = {};  // by dead step, from 1 on
  uint64_t opened_ ABSL_GUARDED_BY(mutex_) = 0;
  SegmentId last_moved_ ABSL_GUARDED_BY(mutex_) = 0;     // by move_to
  size_t victim_count_ ABSL_GUARDED_BY(mutex_) = 0;      // being cleaned
  size_t lone_victims_ ABSL_GUARDED_BY(mutex_) = 0;      // taken in a row while no other was being cleaned
  size_t handle_bytes_ ABSL_GUARDED_BY(mutex_) = 0;      // the room of the segments that handles hold
  uint64_t flushed_before_ ABSL_GUARDED_BY(mutex_) = 0;  // segments opened earlier have only stale items
  // Segments opened earlier have about stale_bytes_ stale bytes, nobody knows where.
  uint64_t suspect_before_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t stale_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_LOG_H_
