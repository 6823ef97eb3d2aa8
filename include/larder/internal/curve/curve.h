// The miss-ratio curve (larder/sizing.h): follows the operations on a sample of keys through miniatures of the
// cache.
//
// Nothing is done for keys outside the sample. A thread notes what it does with those in it in a ring of its own;
// when the operation is done, and with no lock held, it takes the curve's mutex, if that is free, and lets the
// miniatures catch up with a few of them. Nobody waits for that mutex but who asks for the curve.
//
// The sample starts with 1/256 of the keys; whenever a miniature has no entry left, it becomes smaller by a fifth.
// Which keys are in it, and by how much a miniature is smaller than what it stands for, follows the mean size of
// items (sample.h).
//
// Sums are kept by window. Of what they were, older windows count for less: once with a half-life of one turnover
// (the time in which the miniature of the cache's own size stores its capacity), and once with a quarter of that,
// for when the traffic has just changed.
#ifndef LARDER_INTERNAL_CURVE_CURVE_H_
#define LARDER_INTERNAL_CURVE_CURVE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/base/per_thread.h"
#include "larder/internal/curve/miniature.h"
#include "larder/internal/curve/misses.h"
#include "larder/internal/curve/ring.h"
#include "larder/internal/curve/sample.h"
#include "larder/internal/item/content.h"
#include "larder/internal/item/key_ref.h"
#include "larder/internal/policy/seen_keys.h"

namespace larder::internal {

// What the cache knows about itself.
struct CurveInput {
  struct Gets {
    uint64_t gets = 0;
    uint64_t misses = 0;
  };
  std::vector<Gets> spaces;  // by namespace, ever
  uint64_t items = 0;
  uint64_t item_bytes = 0;
  uint64_t used_bytes = 0;  // of the limit
  uint64_t limit_bytes = 0;
};

// The sums that a curve is made of.
struct CurveSums {
  std::vector<Misses> spaces;
  double seconds = 0;
  double turnovers = 0;

  void add(const CurveSums& others);
  void fade(double share);
  [[nodiscard]] Misses all() const;
};

// Thread-safe.
class Curve {
 public:
  static constexpr size_t kLimitMin = size_t{8} << 20;

  // What it knows of the cache.
  struct Source {
    double share_max = 0;    // of the keys that are followed
    size_t space_count = 1;  // of namespaces
    std::function<uint32_t(uint64_t hash)> space_of;
    std::function<void(CurveInput& input)> read;
    std::function<int64_t()> now_ms;
  };

  Curve() = default;
  // Begins, if the limit is high enough for a curve. To be called once, before it is used.
  void begin(Account& account, Source source);
  // After the limit was changed: starts anew if that allows for more memory, or for less.
  void adapt() ABSL_LOCKS_EXCLUDED(mutex_);

  // --- by operations ---

  // A get that counts has found an item, or none. Without a lock.
  void follow_hit(const KeyRef& key, size_t value_bytes, int64_t deadline_ms) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (sample().has(key.hash, size_of(key, value_bytes))) [[unlikely]]
      note_hit(key.hash, size_of(key, value_bytes), deadline_ms);
  }
  void follow_miss(uint64_t hash) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (sample().may_have(hash)) [[unlikely]]
      note_miss(hash);
  }
  // An item was changed, made or removed: what was there, and what is there now; either may be null. Under any
  // lock; catch up when there is none.
  void note_change(const KeyRef& key, const Content* old, const Content* stored) {
    const uint32_t old_bytes = old != nullptr ? size_of(key, old->value_bytes()) : 0;
    const bool is_item = stored != nullptr && !stored->is_hidden();
    const uint32_t bytes = is_item ? size_of(key, stored->value_bytes()) : 0;
    if (sample().has(key.hash, std::max(bytes, old_bytes))) [[unlikely]]
      note_store(key.hash, bytes, is_item ? stored->deadline_ms : 0);
  }
  void catch_up_with(uint64_t hash) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (sample().may_have(hash)) [[unlikely]]
      catch_up();
  }

  // All items of a namespace are gone, or all there are.
  void flush(uint32_t space) { flushed_[space / 64].fetch_or(uint64_t{1} << space % 64); }
  void flush() {
    for (RelaxedAtomic<uint64_t>& spaces : flushed_) spaces.store(~uint64_t{0});
  }

  // --- by who asks ---

  struct Result {
    CurveSums sums;
    CurveSums all_sums;  // the same without any fading
    std::array<bool, kCurveSizes> were_full{};
    double sampled_share = 0;
  };
  // None: it is off.
  [[nodiscard]] std::optional<Result> result() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // What a record has besides key and value.
  static constexpr size_t kHeaderBytes = 12;

  struct Window {
    CurveSums sums;  // what it adds, but for what the cache has counted since it looked there last
    int64_t begin_ms = 0;
    uint64_t inserted_before = 0;  // into the miniature of the cache's own size
    size_t accesses = 0;
    std::vector<CurveInput::Gets> counted_before;  // by the cache
  };

  [[nodiscard]] Sample sample() const { return Sample(sample_.load()); }
  [[nodiscard]] static uint32_t size_of(const KeyRef& key, size_t value_bytes) {
    return static_cast<uint32_t>(key.bytes.size() + value_bytes + kHeaderBytes);
  }
  void note_hit(uint64_t hash, uint32_t bytes, int64_t deadline_ms);
  void note_miss(uint64_t hash);
  // Or, if it is 0 bytes long, that it is gone.
  void note_store(uint64_t hash, uint32_t bytes, int64_t deadline_ms);
  void catch_up() ABSL_LOCKS_EXCLUDED(mutex_);
  [[nodiscard]] size_t sums_bytes() const;
  [[nodiscard]] size_t own_entries_at(size_t limit_bytes) const;
  void start(size_t own) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void stop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void apply(const Access& access, int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void store(const Access& access) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] uint32_t space_of(uint64_t hash) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] Misses& window_of(uint64_t hash) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void count_miss(const Access& access, size_t size, double weight, float count)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void forget_flushed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Reads what the cache has counted, and follows its sizes. Allocates nothing.
  void look(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes the sample one of `share`, for items of that mean size.
  void fit(double share, uint64_t mean_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void set_capacities() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Forgets all sums.
  void start_again(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void begin_window(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void count_window(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void close_window(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // On a line that is seldom written: every operation reads it.
  alignas(64) RelaxedAtomic<uint64_t> sample_{Sample().word()};
  std::unique_ptr<PerThread<AccessRing, 1>> rings_;  // null: the curve is off

  static constexpr size_t kFlushedWords = (kNamespacesMax + 1) / 64;
  alignas(64) std::array<RelaxedAtomic<uint64_t>, kFlushedWords> flushed_{};  // a bit for each namespace
  Account* account_ = nullptr;
  Source source_;

  Mutex mutex_ ABSL_ACQUIRED_AFTER(lock_order::kEngine) ABSL_ACQUIRED_BEFORE(lock_order::kCleaner);
  std::vector<Miniature> miniatures_ ABSL_GUARDED_BY(mutex_);
  CurveInput input_ ABSL_GUARDED_BY(mutex_);
  using Seen = SeenKeys<4096>;
  std::unique_ptr<Seen> seen_keys_ ABSL_GUARDED_BY(mutex_);
  Window window_ ABSL_GUARDED_BY(mutex_);
  CurveSums slow_ ABSL_GUARDED_BY(mutex_);
  CurveSums fast_ ABSL_GUARDED_BY(mutex_);
  CurveSums all_ ABSL_GUARDED_BY(mutex_);
  uint64_t limit_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // charged, but for rings
  double item_bytes_when_full_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t accesses_until_look_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t accesses_between_looks_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_CURVE_CURVE_H_
