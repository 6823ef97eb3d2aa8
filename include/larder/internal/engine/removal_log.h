// The removal log: which keys of a sample went lately, and why.
//
//   one entry:  63         46 45   42 41   39 38   31 30 28 27     0
//              | fingerprint | level | flags | lived | why |  went  |      0 is the empty entry
//
// A set-associative table (hint_table.h). The key of a removed item is logged if the low bits of its tag are zero,
// so that a removal which is not costs a load and a comparison, and no hash. At first these are no bits: everything
// is logged. When entries younger than kReachS have to be overwritten, there is one bit more, and half as much is
// logged. Time is what people ask by ("it was there a minute ago"); how many removals that is depends on traffic.
// When so little was logged for kReachS that the log would come to reach back four times as far, there are fewer
// bits at once: as few as leave it twice kReachS.
//
// An entry's level is how many low bits of its tag are zero. What is below the present level is no longer looked
// up, since a later removal of its key is missing, and is overwritten first.
#ifndef LARDER_INTERNAL_ENGINE_REMOVAL_LOG_H_
#define LARDER_INTERNAL_ENGINE_REMOVAL_LOG_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "larder/internal/base/account.h"
#include "larder/internal/base/address_space.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/hint_table.h"
#include "larder/internal/index/slot.h"
#include "larder/internal/index/stripe.h"
#include "larder/internal/item/content.h"
#include "larder/internal/segments/log.h"
#include "larder/internal/segments/segment.h"
#include "larder/removal_listener.h"

namespace larder::internal {

// In the second (of the engine's time) that the content's value was last changed, or before it; none if its CAS
// number does not tell.
[[nodiscard]] std::optional<uint32_t> changed_at_s(const Stripe& stripe, const Content& content)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

// Whether it was read since it was stored, as far as that is known.
[[nodiscard]] bool was_read(Slot slot, const Content& content);

// Thread-safe without locks; only `resize` is for one thread at a time. All orders are relaxed: an entry is a hint,
// and no other data depends on it. Two removals at once in one set may lose one of them.
class RemovalLog {
 public:
  static constexpr int kLevelMax = 10;
  // As long as entries younger than this are overwritten, fewer are logged.
  static constexpr uint32_t kReachS = 600;
  // An entry has a fingerprint like a given one with this chance at most; there are so many entries in a set.
  static constexpr double kCollisionChance = 8.0 / (1 << 18);

  // What is noted of an item that goes.
  struct Gone {
    Removal why = Removal::kEvicted;
    std::optional<uint32_t> lived_s = {};  // noted to a sixteenth
    bool was_read = false;
    Chain chain = Chain::kSmall;
    bool is_large = false;
  };
  struct Entry {
    Gone gone;
    uint32_t age_s = 0;
  };
  struct Answer {
    bool is_followed = false;
    double share_followed = 0;
    uint32_t reach_s = 0;        // for how long back what is missing in the key's set was not removed
    std::optional<Entry> entry;  // the key's last one, if it is followed
  };

  // Takes 1/512 of the account's limit, at most 1 MiB, and charges it: nothing if a page of memory is too much
  // for that limit, or there is none. `uneven_bits`: how many upper bits of hashes are not uniformly distributed.
  RemovalLog(Account& account, AddressSpace& space, int uneven_bits, uint32_t space_count);
  [[nodiscard]] static size_t address_bytes(const Extent& extent) { return Table::address_bytes(kSize, extent); }

  // Whether removals of keys with this tag are logged.
  [[nodiscard]] bool follows(uint32_t tag) const { return (tag & mask_.load()) == 0; }

  void add(uint64_t hash, uint32_t tag, const Gone& gone, uint32_t now_s);
  // The same for the record of a slot, while it is still there; but not if that is hidden.
  void add(uint64_t hash, const Stripe& stripe, Slot slot, const Log& log, int64_t now_ms, Removal why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);

  [[nodiscard]] Answer find(uint64_t hash, uint32_t tag, uint32_t now_s) const;

  // Everything in a namespace was flushed then. Those removals are not logged one by one, but for those that are
  // met by an operation under way.
  void note_flush(uint32_t space, int64_t at_ms) { flushed_ms_[space].store(at_ms); }
  [[nodiscard]] std::optional<int64_t> flushed_ms(uint32_t space) const {
    const int64_t at_ms = flushed_ms_[space].load();
    return at_ms == kNeverFlushed ? std::nullopt : std::optional(at_ms);
  }

  // Follows more keys if little has been logged for kReachS. `add` does so, too; but when few keys are followed and
  // few are removed, it may be long before one comes.
  void follow_traffic(uint32_t now_s);

  // Adapts to a changed limit. If the size changes, all entries are forgotten, and at first all are logged again.
  void resize(uint32_t now_s);
  // What is charged for it at that limit, if the system grants the memory.
  [[nodiscard]] size_t bytes_at(size_t limit_bytes) const { return table_.bytes_at(limit_bytes); }

 private:
  static constexpr HintTableSize kSize{
      .use = Use::kRemovalLog, .divisor = 512, .bytes_max = size_t{1} << 20, .pages_min = 128};
  static constexpr int64_t kNeverFlushed = INT64_MAX;
  static constexpr uint32_t kCounted = 16;

  using Table = HintTable<uint64_t, true>;

  [[nodiscard]] int level() const { return std::popcount(mask_.load()); }
  [[nodiscard]] static int level_of(uint32_t tag) { return std::countr_zero(tag | (1u << kLevelMax)); }
  void note_overwritten(uint32_t age_s, uint32_t now_s);
  void begin_count(uint32_t now_s);
  void restart(uint32_t now_s);

  Table table_;
  RelaxedAtomic<uint32_t> mask_{0};
  RelaxedAtomic<int32_t> pressure_{0};  // how much of what was overwritten lately was too young
  // How many entries were added at the present level, and since when: for kReachS at least.
  RelaxedAtomic<uint32_t> added_{0};
  RelaxedAtomic<uint32_t> counted_since_s_{0};
  // By level, since when keys of that level have been followed, if they are.
  std::array<RelaxedAtomic<uint32_t>, kLevelMax + 1> followed_since_s_{};
  const std::unique_ptr<RelaxedAtomic<int64_t>[]> flushed_ms_;  // by namespace
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_REMOVAL_LOG_H_
