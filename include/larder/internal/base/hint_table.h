// A table of hints whose size follows the memory limit: sets of eight words, one of which a hash selects.
//
// It takes a part of the limit, rounded down to a power of two, and is charged for it. When the limit changes and
// the size with it, all hints are forgotten. What the words mean is for its users to say: 0 is the empty word.
#ifndef LARDER_INTERNAL_BASE_HINT_TABLE_H_
#define LARDER_INTERNAL_BASE_HINT_TABLE_H_

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "larder/internal/base/account.h"
#include "larder/internal/base/address_space.h"
#include "larder/internal/base/arena.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {

// How much memory a table takes, and what for.
struct HintTableSize {
  Use use;
  size_t divisor;               // it takes this part of the limit,
  size_t bytes_max = SIZE_MAX;  // so much at most,
  size_t pages_min = 0;         // and nothing if the limit is fewer pages of the system
};

// Thread-safe without locks, but for make and resize, which are for one thread at a time. All orders are relaxed: a
// word is a hint, and no other data depends on it. With `from_end` it lies at the end of its address space, so that
// what is writable of it adjoins what is writable of the next part, as one mapping.
template <class Word, bool from_end = false>
class HintTable {
 public:
  static constexpr size_t kWays = 8;
  using Set = std::span<RelaxedAtomic<Word>, kWays>;

  [[nodiscard]] static size_t address_bytes(const HintTableSize& size, const Extent& extent) {
    return AddressSpace::bytes_to_take(std::min(extent.limit_bytes / size.divisor, size.bytes_max));
  }

  // Has no sets before `make`. `uneven_bits`: how many upper bits of the hashes are not uniformly distributed.
  HintTable(const HintTableSize& size, Account& account, AddressSpace& space, int uneven_bits)
      : arena_(space.take(std::min(space.extent().limit_bytes / size.divisor, size.bytes_max))),
        account_(&account),
        size_(size),
        uneven_bits_(uneven_bits) {}
  HintTable(HintTable&& other) noexcept
      : arena_(std::move(other.arena_)),
        account_(other.account_),
        size_(other.size_),
        uneven_bits_(other.uneven_bits_),
        set_bits_(other.set_bits_.load()) {}
  HintTable& operator=(HintTable&&) = delete;

  // Takes what it should at the account's limit, or less if the system does not grant that. False: there is not
  // enough memory even for the smallest table.
  [[nodiscard]] bool make() {
    size_t table_bytes = table_bytes_at(account_->limit());
    while (table_bytes > 0 && !make_writable(round_up(table_bytes, os_page_bytes()))) {
      if (table_bytes <= os_page_bytes()) return false;
      table_bytes /= 2;
    }
    set_bits_.store(table_bytes == 0 ? kNoSets : std::countr_zero(table_bytes / kSetBytes));
    account_->charge(size_.use, round_up(table_bytes, os_page_bytes()));
    return true;
  }

  // Adapts to a changed limit. Whether the size has changed.
  bool resize() {
    const size_t table_bytes = set_count() * kSetBytes;
    if (table_bytes == table_bytes_at(account_->limit())) return false;
    const size_t old_bytes = account_->used(size_.use);
    account_->release(size_.use, old_bytes);
    [[maybe_unused]] const bool is_made = make();
    assert((is_made || table_bytes == 0) && "what is writable stays so");
    // Threads that still use the old size touch at most a few pages of it; they read or leave hints.
    arena_.discard(from_end ? arena_.bytes() - old_bytes : 0, old_bytes);
    return true;
  }

  // What is charged for it at that limit, if the system grants the memory.
  [[nodiscard]] size_t bytes_at(size_t limit_bytes) const {
    return round_up(table_bytes_at(limit_bytes), os_page_bytes());
  }

  [[nodiscard]] size_t set_count() const {
    const int set_bits = set_bits_.load();
    return set_bits == kNoSets ? 0 : size_t{1} << set_bits;
  }
  [[nodiscard]] Set set_at(size_t index) const {
    const size_t offset = from_end ? arena_.bytes() - (index + 1) * kSetBytes : index * kSetBytes;
    return Set(reinterpret_cast<RelaxedAtomic<Word>*>(arena_.at(offset)), kWays);
  }
  // None if there are no sets. The only way to know: from one call to the next they may come and go.
  [[nodiscard]] std::optional<Set> set_of(uint64_t hash) const {
    const int set_bits = set_bits_.load();
    if (set_bits == kNoSets) return std::nullopt;
    return set_at(top_bits(hash << uneven_bits_, set_bits));
  }

 private:
  static constexpr size_t kSetBytes = kWays * sizeof(Word);
  static constexpr int kNoSets = -1;
  // A part that is no longer is made writable as a whole: there may be many caches, and mappings are few.
  static constexpr size_t kWholeBytesMax = size_t{64} << 10;

  [[nodiscard]] bool make_writable(size_t bytes) {
    if constexpr (!from_end) return arena_.make_writable(0, bytes);
    if (arena_.bytes() <= kWholeBytesMax && arena_.make_writable(0, arena_.bytes())) return true;
    return arena_.make_writable(arena_.bytes() - bytes, bytes);
  }

  [[nodiscard]] size_t table_bytes_at(size_t limit_bytes) const {
    if (limit_bytes / os_page_bytes() < size_.pages_min) return 0;
    return std::bit_floor(std::min({limit_bytes / size_.divisor, size_.bytes_max, arena_.bytes()}));
  }

  Arena arena_;
  Account* const account_;
  const HintTableSize size_;
  const int uneven_bits_;
  RelaxedAtomic<int> set_bits_{kNoSets};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_HINT_TABLE_H_
