#ifndef LARDER_INTERNAL_POLICY_GHOST_INL_H_
#define LARDER_INTERNAL_POLICY_GHOST_INL_H_

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "larder/api.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/policy/ghost.h"
#include "larder/internal/policy/s3fifo.h"

namespace larder::internal {

LARDER_INLINE absl::StatusOr<Ghost> Ghost::create(Account& account, AddressSpace& space, int uneven_bits) {
  Ghost ghost(account, space, uneven_bits);
  if (!ghost.table_.make()) return absl::ResourceExhaustedError("there is no memory for the ghost");
  return ghost;
}

LARDER_INLINE Ghost::Ghost(Ghost&& other) noexcept : table_(std::move(other.table_)), account_(other.account_) {}

LARDER_INLINE void Ghost::sweep(size_t bytes) {
  constexpr size_t kSetsMax = 1024;
  const size_t sets = table_.set_count();
  if (sets == 0) return;
  const size_t bytes_per_set = 2 * account_->limit() / sets;
  const size_t owed = unswept_bytes_.exchange(0) + bytes;
  const size_t count = std::min(owed / bytes_per_set, kSetsMax);
  unswept_bytes_.fetch_add(owed - count * bytes_per_set);
  if (count == 0) return;
  const size_t first = next_to_sweep_.fetch_add(count);
  for (size_t i = first; i < first + count; ++i) {
    for (RelaxedAtomic<uint32_t>& way : table_.set_at(i & (sets - 1))) {
      const uint32_t there = way.load();
      if (there != 0 && !is_ghost_current(there, epoch_.load())) way.store(0);
    }
  }
}

LARDER_INLINE size_t Ghost::remember(uint64_t hash, size_t item_bytes) {
  if (is_oversized(item_bytes, account_->limit())) return 0;
  const std::optional<Table::Set> set = table_.set_of(hash);
  if (!set) return item_bytes;
  const uint32_t epoch = epoch_.load();
  RelaxedAtomic<uint32_t>* oldest = nullptr;
  uint32_t oldest_age = 0;
  for (RelaxedAtomic<uint32_t>& way : *set) {
    const uint32_t there_age = ghost_age(way.load(), epoch);
    if (oldest == nullptr || there_age > oldest_age) {
      oldest = &way;
      oldest_age = there_age;
    }
  }
  oldest->store(ghost_entry(fingerprint(hash), epoch));
  return item_bytes;
}

LARDER_INLINE void Ghost::advance(size_t bytes) {
  const size_t in_epoch = bytes_in_epoch_.fetch_add(bytes) + bytes;
  if (in_epoch >= epoch_bytes()) {
    bytes_in_epoch_.store(in_epoch % epoch_bytes());
    epoch_.fetch_add(static_cast<uint32_t>(in_epoch / epoch_bytes()));
  }
  sweep(bytes);
}

LARDER_INLINE bool Ghost::contains(uint64_t hash) const {
  const uint32_t wanted = ghost_entry(fingerprint(hash), 0);
  const auto is_wanted = [wanted](uint32_t entry) { return are_of_one_key(entry, wanted); };
  const std::optional<Table::Set> set = table_.set_of(hash);
  if (!set) return false;
  // Without branches, because every miss of the cache calls this, and most keys have never been evicted.
  uint32_t alike = 0;
#pragma GCC unroll 8
  for (const RelaxedAtomic<uint32_t>& way : *set) alike += is_wanted(way.load()) ? 1 : 0;
  if (alike == 0) return false;
  return std::ranges::any_of(*set, [&](const RelaxedAtomic<uint32_t>& way) {
    const uint32_t there = way.load();
    return is_wanted(there) && is_ghost_current(there, epoch_.load());
  });
}

LARDER_INLINE void Ghost::remove(uint64_t hash) {
  const std::optional<Table::Set> set = table_.set_of(hash);
  if (!set) return;
  for (RelaxedAtomic<uint32_t>& way : *set) {
    if (are_of_one_key(way.load(), ghost_entry(fingerprint(hash), 0))) way.store(0);
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_GHOST_INL_H_
