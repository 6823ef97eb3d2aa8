// The ghost: fingerprints of items that were recently evicted from the small chain.
//
// A store of a key that the ghost knows goes directly to the main chain: the key came back soon after its
// eviction, so it deserves a longer stay. The table has a fixed size. An entry is forgotten when its set is full
// of newer ones, or when as many bytes as the limit have been evicted from the small chain since.
//
// Entries are as in ghost_entry.h. Epochs wrap around, and an old entry would then become current again. Additions
// therefore sweep the table, set by set, once while twice the limit is evicted: no entry is older than three
// quarters of the range of epochs.
#ifndef LARDER_INTERNAL_POLICY_GHOST_H_
#define LARDER_INTERNAL_POLICY_GHOST_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "larder/internal/base/account.h"
#include "larder/internal/base/address_space.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/base/hint_table.h"
#include "larder/internal/policy/ghost_entry.h"

namespace larder::internal {

// Thread-safe without locks. All orders are relaxed: an entry is a hint, and no other data depends on it.
class Ghost {
 public:
  // How likely `contains` is to be wrong about a key that it says it knows, at most.
  static constexpr double kCollisionChance = 8.0 / (1 << 24);

  // Takes 1/64 of the account's limit, and charges it. `uneven_bits`: how many upper bits of the hashes are not
  // uniformly distributed.
  [[nodiscard]] static absl::StatusOr<Ghost> create(Account& account, AddressSpace& space, int uneven_bits = 0);
  [[nodiscard]] static size_t address_bytes(const Extent& extent) { return Table::address_bytes(kSize, extent); }

  Ghost(Ghost&& other) noexcept;
  Ghost& operator=(Ghost&&) = delete;

  // Remembers that an item of `item_bytes` with this hash was evicted, unless it is oversized (segment.h).
  void add(uint64_t hash, size_t item_bytes) { advance(remember(hash, item_bytes)); }
  // The same in two steps, for who evicts many items: advance by the sum of what remember returned, at the latest
  // when that has come to step_bytes.
  [[nodiscard]] size_t remember(uint64_t hash, size_t item_bytes);
  void advance(size_t bytes);
  [[nodiscard]] size_t step_bytes() const { return std::min(epoch_bytes() / kStepsPerEpoch, kStepBytesMax); }

  // Prefetches the memory that the other functions need.
  void prefetch(uint64_t hash) const {
    if (const std::optional<Table::Set> set = table_.set_of(hash)) __builtin_prefetch(set->data());
  }

  // Whether an item with this hash was evicted recently.
  [[nodiscard]] bool contains(uint64_t hash) const;

  // Counts up by kGhostEpochs while as many bytes as the limit are evicted.
  [[nodiscard]] uint32_t epoch() const { return epoch_.load(); }

  // Forgets the hash: it is in the cache again.
  void remove(uint64_t hash);

  // Adapts to a changed limit. If the size changes, all entries are forgotten.
  void resize() { table_.resize(); }

  // What is charged for it at that limit, if the system grants the memory.
  [[nodiscard]] size_t bytes_at(size_t limit_bytes) const { return table_.bytes_at(limit_bytes); }

 private:
  static constexpr HintTableSize kSize{.use = Use::kGhost, .divisor = 64};
  static constexpr size_t kStepsPerEpoch = 16;
  static constexpr size_t kStepBytesMax = size_t{256} << 10;  // sweeping for it takes a few microseconds

  using Table = HintTable<uint32_t>;

  Ghost(Account& account, AddressSpace& space, int uneven_bits)
      : table_(kSize, account, space, uneven_bits), account_(&account) {}

  [[nodiscard]] size_t epoch_bytes() const { return account_->limit() / kGhostEpochs; }
  // Clears outdated entries, in a number of sets proportional to the evicted `bytes`.
  void sweep(size_t bytes);

  Table table_;
  Account* const account_;
  RelaxedAtomic<uint32_t> epoch_{1};
  RelaxedAtomic<size_t> bytes_in_epoch_{0};
  RelaxedAtomic<size_t> unswept_bytes_{0};
  RelaxedAtomic<size_t> next_to_sweep_{0};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_GHOST_H_
