// The engine: puts index, log, ghost and cleaner together into the operations of a cache.
//
// All changes of an item go through `mutate`, but for what most stores do (`overwrite`): it finds the item under
// its stripe's lock, asks a decision what should become of it, and carries that out: in place when the new content
// fits where the old one lies and nobody has it pinned, otherwise in new room. When there is no room it lets the
// lock go, has the cleaner make some, and asks again: a decision may be asked several times and must not count on
// being asked once.
//
// What loaders leave in the place of an item, a placeholder or the mark of an absence, is a record with a mark. It
// takes room, and is evicted and cleaned like any other; but no operation that has not asked for it is shown it, no
// listener is told of it, and it counts as no item.
//
// Locks and their order: lib/CONCURRENCY.md. Listeners are told of removals when the locks are let go:
// removal_queue.h.
#ifndef LARDER_INTERNAL_ENGINE_ENGINE_H_
#define LARDER_INTERNAL_ENGINE_ENGINE_H_

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "larder/expiry.h"
#include "larder/explain.h"
#include "larder/function_ref.h"
#include "larder/handle.h"
#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/base/under_lock.h"
#include "larder/internal/curve/curve.h"
#include "larder/internal/engine/change.h"
#include "larder/internal/engine/cleaner.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/decision.h"
#include "larder/internal/engine/erased_tags.h"
#include "larder/internal/engine/lookup.h"
#include "larder/internal/engine/removal_log.h"
#include "larder/internal/engine/removal_queue.h"
#include "larder/internal/hot_keys/hot_keys.h"
#include "larder/internal/index/index.h"
#include "larder/internal/item/key_ref.h"
#include "larder/internal/item/record.h"
#include "larder/internal/policy/ghost.h"
#include "larder/internal/policy/quota.h"
#include "larder/internal/segments/log.h"
#include "larder/item.h"
#include "larder/item_details.h"
#include "larder/options.h"
#include "larder/result.h"
#include "larder/scan.h"
#include "larder/stats.h"

namespace larder::internal {

class Engine {
 public:
  using Visitor = FunctionRef<void(const ItemView& item)>;

  // `item` is null when there is none.
  using Decide = FunctionRef<Decision(const StoredItem* item)>;

  using Lookup = internal::Lookup;

  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Engine>> create(const Options& options);
  ~Engine();

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] KeyRef ref(std::string_view key) const { return {.bytes = key, .hash = index_->hash(key)}; }
  // Those of the key's namespace.
  [[nodiscard]] Counters& counters(const KeyRef& key) { return counters_[index_->space_of(key.hash)]; }
  // A request begins. Without a lock, and before a function of a user's that may change what the key lies in.
  void note_request(const KeyRef& key, RequestKind kind);
  void count_get(const KeyRef& key, bool is_hit) {
    counters(key).add(is_hit ? Counter::kGetHits : Counter::kGetMisses);
    if (!is_hit) curve_.follow_miss(key.hash);
  }
  void reset_counters();

  // In builds with assertions. Called by all that may want a lock which a caller's function is running under.
  void assert_may_be_called() const {
    assert(!UnderLock::is_inside(this) &&
           "a larder::Cache was used from inside an updater, predicate or visitor that runs under its lock");
  }

  // The time for one operation or batch; applies a flush that has become due.
  [[nodiscard]] int64_t now_ms();
  // The same for lookups, asked for when it is first needed: most items never expire.
  class Moment {
   public:
    explicit Moment(Engine& engine) : engine_(engine) {
      engine.assert_may_be_called();
      // Acquire: as in now_ms.
      if (engine.flush_due_ms_.load(std::memory_order_acquire) != kNoFlush) (void)ms();
    }
    [[nodiscard]] int64_t ms() {
      if (ms_ == kNotAsked) ms_ = engine_.now_ms();
      return ms_;
    }

   private:
    static constexpr int64_t kNotAsked = INT64_MIN;
    Engine& engine_;
    int64_t ms_ = kNotAsked;
  };
  // The deadline of an item stored now; ≤ now when it is expired at once, kNeverMs when it never is. `now_ms` may
  // be behind the true time: a deadline lies so much further away that no item goes before its time.
  [[nodiscard]] int64_t deadline_of(Expiry expiry, int64_t now_ms) const;
  // The clock may lag behind.
  [[nodiscard]] int64_t latest_ms(int64_t now_ms) const { return now_ms + lag_ms_; }
  // An item with an idle time is stored.
  void expect_expiries() const;
  [[nodiscard]] ErasedTags& erased_tags();  // without a lock, before items have tags or any are erased
  // What was given, when nothing of it is over yet; ≥ 1 before the deadline and 0 after it.
  [[nodiscard]] int64_t ttl_until(int64_t deadline_ms, int64_t now_ms) const;

  // Shows the item to `visitor`, without a lock held: a copy of a small one, a large one where it lies, pinned.
  // Whether there is one.
  bool read(const KeyRef& key, Lookup lookup, Visitor visitor);
  // A get that copies the item's value into `value`, which may be written to even if there is none, and which the
  // key must not lie in.
  bool get_value(const KeyRef& key, std::string& value);
  // The same for many keys, with the memory of the next ones fetched while one is looked at; those that can have no
  // item are passed over. Calls visitor(i, item); returns how many were found.
  size_t get_many(std::span<const std::string_view> keys,
                  FunctionRef<void(size_t index, const ItemView& item)> visitor, Lookup lookup = Lookup::kGet);

  // A get. Never fails, but when there is no item: what cannot be held is copied.
  [[nodiscard]] Handle hold(const KeyRef& key);
  // For an item that is being shown by `read`; empty if it is shown as a copy, or too much is held.
  [[nodiscard]] Handle keep(const ItemView& item);
  // The end of a handle: of one that holds a segment, or has a copy of so many bytes.
  void end_handle(SegmentId held, size_t copied_bytes);

  // Has the memory fetched that looking for these keys will need.
  void prefetch(std::span<const std::string_view> keys) const;

  // As a user's function is shown it.
  [[nodiscard]] ItemView view(const StoredItem& item, int64_t now_ms) const;
  // Returns visitor(&view), or visitor(nullptr) if there is no item.
  template <class Visit>
  auto visit(const StoredItem* item, int64_t now_ms, Visit&& visitor) const {
    if (item == nullptr) return visitor(nullptr);
    const ItemView shown = view(*item, now_ms);
    return visitor(&shown);
  }

  // See above. Nothing: no room could be made for what was to be stored; the item is as it was. Otherwise the CAS
  // number of what was stored, 0 if nothing was. `history`: filled in before decide is called, if there is an item.
  // What is hidden from `decide` is replaced and removed all the same, if that is decided.
  [[nodiscard]] std::optional<uint64_t> mutate(const KeyRef& key, int64_t now_ms, Decide decide,
                                               Placeholders placeholders = Placeholders::kHidden,
                                               History* history = nullptr) {
    return mutate(begin_change(key), now_ms, decide, placeholders, history);
  }
  // The same in two steps, for who has something else to do while the memory is fetched that the change will need.
  struct Target {
    KeyRef key;
    Probe probe;
  };
  [[nodiscard]] Target begin_change(const KeyRef& key) const;
  // Begins the changes of many keys and calls change(i, target) for each in order, while the memory of the next
  // ones is fetched. Passes over those that can have no item.
  void begin_changes(std::span<const std::string_view> keys,
                     FunctionRef<void(size_t index, const Target& target)> change) const;
  [[nodiscard]] std::optional<uint64_t> mutate(const Target& target, int64_t now_ms, Decide decide,
                                               Placeholders placeholders = Placeholders::kHidden,
                                               History* history = nullptr);
  // What mutate does for a decision to store `content`, whose deadline is ahead, over whatever there is, with the
  // next CAS number; but only if there is a short item without marks and the content fits where it lies. Most
  // stores are of that kind, and take less time so. None: ask mutate; at most a CAS number was passed over.
  [[nodiscard]] std::optional<uint64_t> overwrite(const Target& target, const Content& content, int64_t now_ms);

  // Leaves no trace.
  [[nodiscard]] std::optional<ItemDetails> inspect(const KeyRef& key, int64_t now_ms,
                                                   Placeholders placeholders = Placeholders::kHidden);
  [[nodiscard]] Presence presence(const KeyRef& key, int64_t now_ms);
  [[nodiscard]] Explanation explain(const KeyRef& key, int64_t now_ms);

  // At once, or when `delay_ms` > 0 have passed.
  void flush_all(int64_t delay_ms);
  // False: no such namespace was declared.
  bool flush_namespace(std::string_view prefix);

  void for_each(FunctionRef<bool(const ItemView& item)> visitor);
  // Removes what it finds expired.
  bool scan(ScanCursor& cursor, size_t items_max, FunctionRef<void(const ItemInfo& item)> visitor,
            Placeholders placeholders = Placeholders::kHidden);
  [[nodiscard]] Stats stats();
  [[nodiscard]] std::vector<NamespaceStats> namespace_stats();
  [[nodiscard]] Curve& curve() { return curve_; }
  [[nodiscard]] HotKeys& hot_keys() { return hot_keys_; }
  [[nodiscard]] absl::Status check_memory_limit(size_t bytes) const;
  [[nodiscard]] absl::Status set_memory_limit(size_t bytes);
  [[nodiscard]] size_t memory_limit_bytes_min() const;
  bool maintain(size_t step_bytes);
  void add_external_bytes(int64_t bytes);
  void charge_external_bytes(size_t bytes) { account_.charge(Use::kExternal, bytes); }
  [[nodiscard]] size_t memory_limit_bytes() const { return account_.limit(); }
  [[nodiscard]] size_t bytes_over_limit() const { return account_.overshoot(); }
  [[nodiscard]] absl::Status assert_valid();

 private:
  // Since the engine was made. After 34 years no more time passes, so that what never expires does not.
  [[nodiscard]] int64_t elapsed_ms() const { return std::min(clock_.monotonic_ms() - start_ms_, kNeverMs - 1); }

  explicit Engine(const Options& options);

  [[nodiscard]] static bool is_use(Lookup lookup) { return lookup != Lookup::kPeek; }
  [[nodiscard]] static bool is_get(Lookup lookup) { return lookup >= Lookup::kGet; }

  [[nodiscard]] Seen look(const KeyRef& key, Moment& now, Lookup lookup, Visitor visitor);
  template <int purpose, class Answer>
  void approach(std::span<const std::string_view> keys, Answer&& answer) const;
  [[nodiscard]] Seen show(const KeyRef& key, const OptimisticResult& result, RecordCopy& copy, Moment& now,
                          Lookup lookup, Visitor visitor);
  [[nodiscard]] Seen look_locked(const KeyRef& key, int64_t now_ms, Lookup lookup, Shown shown, Visitor visitor,
                                 bool may_copy = true);
  [[nodiscard]] Handle copy_of(const ItemView& item);
  // Makes room first; what finds none because nothing can go is charged all the same. Without a stripe's lock.
  void charge(Use use, size_t bytes);
  [[nodiscard]] size_t pinned_bytes_max() const;
  [[nodiscard]] static Match seems_wanted(std::string_view key, const std::byte* memory, size_t room_bytes);
  [[nodiscard]] Match copy_value_if_wanted(std::string_view key, uint64_t address, Moment& now, std::string& value,
                                           int64_t& deadline_ms) const;
  [[nodiscard]] Match copy_if_wanted(std::string_view key, uint64_t address, RecordCopy& copy) const;
  [[nodiscard]] StoredItem stored(std::string_view key, const Stripe& stripe, const Content& content) const {
    return {.key = key, .content = content, .cas = cas_number(stripe, content)};
  }
  [[nodiscard]] ItemInfo info(const Stripe& stripe, Slot slot, const Content& content, int64_t now_ms) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] static StripeSums share(size_t bytes, const Content& content) {
    return Index::share(bytes, content.is_hidden());
  }
  // For every record that goes, while it is still there.
  void note_removal(const Stripe& stripe, Slot slot, int64_t now_ms, Removal why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    if (removal_log_->follows(slot.tag())) log_removal(stripe, slot, now_ms, why);
    if (removals_) queue_removal(stripe, slot, now_ms, why);
  }
  void log_removal(const Stripe& stripe, Slot slot, int64_t now_ms, Removal why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void note_replacement(const Stripe& stripe, const Found& found, const Change& change, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void queue_removal(const Stripe& stripe, Slot slot, int64_t now_ms, Removal why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] RemovalQueue* removals() { return removals_ ? &*removals_ : nullptr; }
  void count_miss(const KeyRef& key);
  [[nodiscard]] uint64_t cas_number(const Stripe& stripe, const Content& content) const;
  [[nodiscard]] SlotPosition find(Stripe& stripe, const KeyRef& key) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] Found find_live(Stripe& stripe, const KeyRef& key, int64_t now_ms, bool counts_misses)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void unlink(Stripe& stripe, const SlotPosition& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] bool is_hidden(Slot slot) const { return log_->record_at(slot.address()).content().is_hidden(); }
  void count_loss(const Stripe& stripe, Slot slot, Removal why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  // Expired, or of an erased tag: whoever finds it removes it.
  [[nodiscard]] bool is_over(const Content& content, int64_t now_ms) const {
    return content.deadline_ms <= now_ms || erased_tags_.is_erased(content);
  }
  // Both remove the item; what is over is not evicted.
  void remove_over(Stripe& stripe, const SlotPosition& position, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void evict(Stripe& stripe, const SlotPosition& position, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  Attempt attempt(const KeyRef& key, int64_t now_ms, Decide decide, Placeholders placeholders, History* history,
                  Log::For whom, bool may_spare);
  [[nodiscard]] Decision ask(const Stripe& stripe, const Found& found, const KeyRef& key, Decide decide,
                             Placeholders placeholders, int64_t now_ms, History* history) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] Content content_for(Stripe& stripe, const Content& old, const Decision& decision, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void choose_cas(Stripe& stripe, uint64_t wanted, int64_t now_ms, Content& content)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] static History history_of(const Stripe& stripe, Slot slot, const Content& content, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void note_access(const KeyRef& key, const Content& seen, int64_t now_ms);
  // Moves the deadline of an item with an idle time where it lies, or by a copy.
  void prolong(Stripe& stripe, const SlotPosition& position, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void prolong_copy(const KeyRef& key, int64_t now_ms);
  // Whether a use must do so at any cost.
  [[nodiscard]] bool must_prolong_now(const Content& content, int64_t now_ms) const;
  void note_access(Stripe& stripe, const SlotPosition& position, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  Attempt store(Stripe& stripe, const Found& found, const Change& change, int64_t now_ms, Log::For whom)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  // How much more room than `bytes` an appended value gets that has to move.
  [[nodiscard]] size_t spare_for(const Found& found, size_t bytes) const;
  [[nodiscard]] bool store_in_place(Stripe& stripe, const Found& found, size_t bytes, size_t old_bytes,
                                    const Change& change, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void unlink_if_flushed(Stripe& stripe, Slot slot, int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  Attempt insert_slot(Stripe& stripe, Slot slot, int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] bool make_room(const Attempt& attempt, int64_t now_ms, Log::For whom);
  void flush_at(int64_t at_ms);  // which is now, or before
  void begin_curve();
  void count_into(Stats& stats, uint32_t space) const;
  bool walk(ScanCursor& cursor, size_t items_max, FunctionRef<void(const ItemInfo& item)> visitor,
            Placeholders placeholders);
  [[nodiscard]] bool look_for_expired(size_t step_bytes, int64_t now_ms) ABSL_LOCKS_EXCLUDED(walk_mutex_);
  [[nodiscard]] absl::Status check_all();
  [[nodiscard]] absl::Status check_slot(const Stripe& stripe, Slot slot) const;

  const Options options_;
  const SystemClock system_clock_;
  const Clock& clock_;
  const int64_t lag_ms_;
  const int64_t start_ms_;

  Account account_;
  const std::unique_ptr<Counters[]> counters_;  // by namespace
  Curve curve_;
  HotKeys hot_keys_;
  ErasedTags erased_tags_;
  std::optional<RemovalQueue> removals_;  // with a listener only
  std::optional<RemovalLog> removal_log_;
  std::optional<Ghost> ghost_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<Log> log_;
  std::optional<Quota> quota_;
  std::optional<Cleaner> cleaner_;

  // Whether any item was ever to expire. Relaxed: a hint of when to look for such items.
  mutable RelaxedAtomic<bool> has_expiries_{false};

  Mutex limit_mutex_ ABSL_ACQUIRED_AFTER(lock_order::kEngine) ABSL_ACQUIRED_BEFORE(lock_order::kCleaner);
  Mutex walk_mutex_ ABSL_ACQUIRED_AFTER(lock_order::kEngine) ABSL_ACQUIRED_BEFORE(lock_order::kCleaner);
  std::optional<ScanCursor> walk_ ABSL_GUARDED_BY(walk_mutex_);  // the one under way
  int64_t next_walk_ms_ ABSL_GUARDED_BY(walk_mutex_) = 0;
  Mutex flush_mutex_ ABSL_ACQUIRED_AFTER(lock_order::kEngine) ABSL_ACQUIRED_BEFORE(lock_order::kCleaner);
  // When the pending flush_all takes effect; kNoFlush: none is pending. Written under flush_mutex_, and only when
  // the flush is done: until then everybody who sees that it is due waits for it.
  static constexpr int64_t kNoFlush = INT64_MAX;
  OrderedAtomic<int64_t> flush_due_ms_{kNoFlush};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_ENGINE_H_
