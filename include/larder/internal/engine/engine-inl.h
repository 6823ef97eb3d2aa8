// Making an engine, its time, flushes, and its memory limit.
#ifndef LARDER_INTERNAL_ENGINE_ENGINE_INL_H_
#define LARDER_INTERNAL_ENGINE_ENGINE_INL_H_

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/internal/engine/engine.h"

namespace larder::internal {

// How far below the first limit a limit may be set: segments keep their size, and there must be a few.
inline constexpr size_t kLimitShrinkMax = 16;
// The limit must have room for so many of the largest items.
inline constexpr size_t kLargestItemsMin = 4;

template <class Number>
inline absl::Status out_of_range(const char* option, Number value, Number low, Number high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", value, " is not in ", low, "..", high));
}

inline absl::Status check(const Options& options) {
  if (absl::Status status = out_of_range("memory_limit_bytes", options.memory_limit_bytes, kMemoryLimitBytesMin,
                                         kMemoryLimitBytesMax);
      !status.ok()) {
    return status;
  }
  if (absl::Status status = out_of_range("item_bytes_max", options.item_bytes_max, kItemBytesMaxMin,
                                         std::min(kItemBytesMaxMax, options.memory_limit_bytes / kLargestItemsMin));
      !status.ok()) {
    return status;
  }
  if (absl::Status status = out_of_range("pinned_bytes_max", options.pinned_bytes_max.value_or(0), size_t{0},
                                         options.memory_limit_bytes / kPinnedDivisorMin);
      !status.ok()) {
    return status;
  }
  // In this form for what is not a number.
  if (!(options.curve_share_max >= 0 && options.curve_share_max <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("curve_share_max: ", options.curve_share_max, " is not in 0..1"));
  }
  return Namespaces::check(options.namespaces, options.memory_limit_bytes);
}

inline uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

LARDER_INLINE absl::StatusOr<std::unique_ptr<Engine>> Engine::create(const Options& options) {
  if (absl::Status status = check(options); !status.ok()) return status;
  auto engine = std::unique_ptr<Engine>(new Engine(options));
  Namespaces namespaces(options.namespaces, options.items_max);
  for (uint32_t space = 0; space < namespaces.count(); ++space) {
    engine->counters_[space].charge_to(engine->account_);
  }

  const size_t limit_bytes = options.memory_limit_bytes;
  const int space_bits = namespaces.bits();
  absl::StatusOr<AddressSpace> space = AddressSpace::reserve(limit_bytes, [&](const Extent& extent) {
    return RemovalLog::address_bytes(extent) + Ghost::address_bytes(extent) +
           Index::address_bytes(extent, limit_bytes, space_bits) + Log::address_bytes(extent, limit_bytes);
  });
  if (!space.ok()) return space.status();

  // Before the ghost, so that what is writable of both is one mapping.
  engine->removal_log_.emplace(engine->account_, *space, space_bits, namespaces.count());
  absl::StatusOr<Ghost> ghost = Ghost::create(engine->account_, *space, space_bits);
  if (!ghost.ok()) return ghost.status();
  engine->ghost_.emplace(*std::move(ghost));

  Engine* const made = engine.get();
  const auto deliver = [made] { RemovalQueue::Delivery(made->removals()); };
  Index::OnStale on_stale;
  Cleaner::OnRemoval on_removal;
  if (options.removal_listener != nullptr) {
    made->removals_.emplace(*options.removal_listener, made->counters_[0]);
    if (made->removals_->wants(Removal::kFlushed)) {
      // Not now_ms, which may flush.
      on_stale = [made](const Stripe& stripe, Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
        made->queue_removal(stripe, slot, made->elapsed_ms(), Removal::kFlushed);
      };
    }
    on_removal = [made](const Stripe& stripe, Slot slot, int64_t now_ms, Removal why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                     stripe.mutex) { made->queue_removal(stripe, slot, now_ms, why); };
  }

  const auto on_erased = [made](Slot slot) {
    const Record record = made->log_->record_at(slot.address());
    const Content content = record.content();
    made->curve_.note_change(made->ref(record.key()), &content, nullptr);
  };

  const uint64_t seed = options.seed ? *options.seed : random_seed();
  absl::StatusOr<std::unique_ptr<Index>> index =
      Index::create(engine->account_, *space, seed, std::move(namespaces), std::move(on_stale));
  if (!index.ok()) return index.status();
  engine->index_ = *std::move(index);

  absl::StatusOr<std::unique_ptr<Log>> log = Log::create(engine->account_, *space);
  if (!log.ok()) return log.status();
  engine->log_ = *std::move(log);

  engine->cleaner_.emplace(engine->account_, *engine->index_, *engine->log_, *engine->ghost_, *engine->removal_log_,
                           engine->erased_tags_, engine->counters_.get(), options.eviction, std::move(on_removal),
                           on_erased, deliver);
  engine->quota_.emplace(
      *engine->index_, options.eviction,
      Quota::Actions{
          .is_over =
              [made](Slot slot, int64_t now_ms) {
                return made->is_over(made->log_->record_at(slot.address()).content(), now_ms);
              },
          .remove = [made](Stripe& stripe, const SlotPosition& position, int64_t now_ms)
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) { made->evict(stripe, position, now_ms); },
          .erasures = [made] { return made->erased_tags_.count(); },
          .rest = deliver});
  if (options.curve && options.eviction) made->begin_curve();
  if (options.hot_keys) made->hot_keys_.begin(made->account_, seed);
  return engine;
}

LARDER_INLINE void Engine::begin_curve() {
  const auto read = [this](CurveInput& input) {
    for (uint32_t space = 0; space < input.spaces.size(); ++space) {
      const auto total = [&](Counter counter) { return counters_[space].total(counter); };
      const uint64_t misses = total(Counter::kGetMisses);
      input.spaces[space] = {.gets = misses + total(Counter::kGetHits),
                             .misses = misses + total(Counter::kVivified)};
    }
    constexpr uint32_t kStripesMax = 512;
    const StripeSums sums = index_->estimated_sums(kStripesMax);
    input.items = sums.items;
    input.item_bytes = sums.item_bytes;
    input.used_bytes = account_.used();
    input.limit_bytes = account_.limit();
  };
  curve_.begin(account_, {.share_max = options_.curve_share_max,
                          .space_count = index_->namespaces().count(),
                          .space_of = [this](uint64_t hash) { return index_->space_of(hash); },
                          .read = read,
                          .now_ms = [this] { return elapsed_ms(); }});
}

LARDER_INLINE Engine::Engine(const Options& options)
    : options_(options),
      clock_(options.clock != nullptr ? *options.clock : system_clock_),
      lag_ms_(clock_.lag_ms()),
      start_ms_(clock_.monotonic_ms()),
      account_(options.memory_limit_bytes),
      counters_(std::make_unique<Counters[]>(options.namespaces.size() + 1)) {}

LARDER_INLINE Engine::~Engine() {
  assert_may_be_called();
  assert((log_ == nullptr || log_->usage().handles == 0) && "a larder::Handle outlives its Cache");
  assert(account_.used(Use::kHandles) == 0 && "a larder::Handle outlives its Cache");
}

LARDER_INLINE int64_t Engine::now_ms() {
  assert_may_be_called();
  const int64_t now = elapsed_ms();
  // Acquire: whoever sees that the flush is done comes after all of it.
  if (now < flush_due_ms_.load(std::memory_order_acquire)) return now;
  const MutexLock lock(flush_mutex_);
  const int64_t due_ms = flush_due_ms_.load(std::memory_order_relaxed);
  if (now >= due_ms) {
    flush_at(due_ms);  // however late: nobody has seen the cache since
    flush_due_ms_.store(kNoFlush, std::memory_order_release);
  }
  return now;
}

LARDER_INLINE void Engine::expect_expiries() const {
  if (!has_expiries_.load()) has_expiries_.store(true);
}

LARDER_INLINE ErasedTags& Engine::erased_tags() {
  if (const size_t bytes = erased_tags_.begin(account_.limit()); bytes > 0) {
    const RemovalQueue::Delivery delivery(removals());
    charge(Use::kOther, bytes);
  }
  expect_expiries();
  return erased_tags_;
}

LARDER_INLINE int64_t Engine::ttl_until(int64_t deadline_ms, int64_t now_ms) const {
  if (deadline_ms == kNeverMs) return kNeverExpires;
  return deadline_ms <= now_ms ? 0 : std::max<int64_t>(1, deadline_ms - now_ms - lag_ms_);
}

LARDER_INLINE int64_t Engine::deadline_of(Expiry expiry, int64_t now_ms) const {
  if (expiry.kind() == Expiry::Kind::kNever) return kNeverMs;
  const bool is_relative = expiry.kind() == Expiry::Kind::kAfter;
  // Compared before anything is subtracted: the caller's number may be anything.
  const int64_t from = is_relative ? 0 : clock_.unix_ms();
  if (expiry.ms() <= from) return now_ms;
  expect_expiries();
  return std::min(kNeverMs, now_ms + lag_ms_ + std::min(kNeverMs, expiry.ms() - from));
}

LARDER_INLINE void Engine::flush_all(int64_t delay_ms) {
  const RemovalQueue::Delivery delivery(removals());
  counters_[0].add(Counter::kFlushes);
  const int64_t due_ms = deadline_of(std::chrono::milliseconds(delay_ms), now_ms());
  const MutexLock lock(flush_mutex_);
  if (delay_ms <= 0) flush_at(elapsed_ms());
  flush_due_ms_.store(delay_ms > 0 ? due_ms : kNoFlush, std::memory_order_release);
}

LARDER_INLINE bool Engine::flush_namespace(std::string_view prefix) {
  const RemovalQueue::Delivery delivery(removals());
  const std::vector<uint32_t> spaces = index_->namespaces().declared_as(prefix);
  if (spaces.empty()) return false;
  counters_[spaces.front()].add(Counter::kFlushes);
  (void)now_ms();  // a flush of everything that is due comes before
  uint64_t bytes = 0;
  for (const uint32_t space : spaces) {
    bytes += index_->sums(space).bytes();
    removal_log_->note_flush(space, elapsed_ms());
    index_->flush(space);
    curve_.flush(space);
  }
  log_->flush_some(bytes);
  return true;
}

LARDER_INLINE void Engine::flush_at(int64_t at_ms) {
  for (uint32_t space = 0; space < index_->namespaces().count(); ++space) {
    removal_log_->note_flush(space, at_ms);
  }
  index_->flush();
  log_->flush();
  curve_.flush();
}

LARDER_INLINE size_t Engine::memory_limit_bytes_min() const {
  return std::max({kMemoryLimitBytesMin, options_.memory_limit_bytes / kLimitShrinkMax,
                   options_.item_bytes_max * kLargestItemsMin});
}

LARDER_INLINE absl::Status Engine::check_memory_limit(size_t bytes) const {
  if (absl::Status status =
          out_of_range("memory_limit_bytes", bytes, memory_limit_bytes_min(), kMemoryLimitBytesMax);
      !status.ok()) {
    return status;
  }
  if (bytes > log_->limit_bytes_max()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory_limit_bytes: there is address space for ", log_->limit_bytes_max(), ", not ", bytes));
  }
  const size_t kept_bytes = cleaner_->bytes_min() - account_.used(Use::kGhost) + ghost_->bytes_at(bytes) -
                            account_.used(Use::kRemovalLog) + removal_log_->bytes_at(bytes) + log_->handle_bytes();
  if (bytes < account_.limit() && bytes < kept_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory_limit_bytes: ", kept_bytes, " bytes cannot be evicted, more than ", bytes));
  }
  return absl::OkStatus();
}

LARDER_INLINE absl::Status Engine::set_memory_limit(size_t bytes) {
  const RemovalQueue::Delivery delivery(removals());
  const auto set_limit = [this](size_t limit_bytes) {
    account_.set_limit(limit_bytes);
    ghost_->resize();
    removal_log_->resize(whole_seconds(elapsed_ms()));
    log_->adapt_lanes();
    curve_.adapt();
  };
  size_t old_bytes = 0;
  {
    const MutexLock lock(limit_mutex_);
    if (absl::Status status = check_memory_limit(bytes); !status.ok()) return status;
    old_bytes = account_.limit();
    set_limit(bytes);
  }
  // Without the mutex: between its steps the listener is called.
  if (bytes >= old_bytes || cleaner_->make_room_in_account(0, now_ms())) return absl::OkStatus();
  const MutexLock lock(limit_mutex_);
  const size_t used_bytes = account_.used();
  // Another call may have set another one since.
  if (account_.limit() == bytes) set_limit(old_bytes);
  return absl::ResourceExhaustedError(
      absl::StrCat("memory_limit_bytes: ", used_bytes, " bytes are still in use and cannot be evicted now"));
}

LARDER_INLINE void Engine::charge(Use use, size_t bytes) {
  const int64_t now = now_ms();
  while (!account_.try_charge(use, bytes)) {
    if (cleaner_->make_room_in_account(bytes, now)) continue;
    account_.charge(use, bytes);
    return;
  }
}

LARDER_INLINE void Engine::add_external_bytes(int64_t bytes) {
  if (bytes >= 0) {
    const RemovalQueue::Delivery delivery(removals());
    charge(Use::kExternal, static_cast<size_t>(bytes));
  } else {
    account_.release_at_most(Use::kExternal, size_t{0} - static_cast<size_t>(bytes));
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_ENGINE_INL_H_
