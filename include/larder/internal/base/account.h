// The account that every byte of a cache is charged to.
//
// Invariant: the sum of all uses never exceeds the limit, with three exceptions: right after the limit was
// lowered, external bytes that are only charged, and external bytes or handles' copies for which no room could be
// made. A store that sees used() > limit() makes room.
#ifndef LARDER_INTERNAL_BASE_ACCOUNT_H_
#define LARDER_INTERNAL_BASE_ACCOUNT_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "larder/internal/base/atomic.h"

namespace larder::internal {

enum class Use : uint8_t {
  kSegments,
  kLarge,
  kDescriptors,
  kIndex,
  kGhost,
  kCurve,
  kHotKeys,
  kRemovalLog,
  kOther,
  kHandles,
  kExternal
};
inline constexpr size_t kUseCount = 11;

// Thread-safe. All orders are relaxed: the numbers guard no other memory, they only have to add up.
class Account {
 public:
  explicit Account(size_t limit_bytes) : limit_(limit_bytes) {}

  // Charges `bytes` if they fit under the limit; otherwise changes nothing.
  [[nodiscard]] bool try_charge(Use use, size_t bytes);

  // Charges `bytes`, whether they fit or not.
  void charge(Use use, size_t bytes);

  // Returns what was charged for the same use.
  void release(Use use, size_t bytes);

  // Returns what was charged for the use, but at most that.
  void release_at_most(Use use, size_t bytes);

  void set_limit(size_t limit_bytes) { limit_.store(limit_bytes); }

  [[nodiscard]] size_t limit() const { return limit_.load(); }
  [[nodiscard]] size_t used() const { return used_.load(); }
  [[nodiscard]] size_t used(Use use) const { return by_use_[index(use)].load(); }

  // What can still be charged; 0 when over the limit.
  [[nodiscard]] size_t headroom() const {
    const size_t used_now = used();
    const size_t limit_now = limit();
    return used_now < limit_now ? limit_now - used_now : 0;
  }
  // What is charged beyond the limit.
  [[nodiscard]] size_t overshoot() const {
    const size_t used_now = used();
    const size_t limit_now = limit();
    return used_now > limit_now ? used_now - limit_now : 0;
  }
  [[nodiscard]] bool is_over_limit() const { return overshoot() > 0; }

 private:
  static constexpr size_t index(Use use) { return static_cast<size_t>(use); }

  RelaxedAtomic<size_t> limit_;
  RelaxedAtomic<size_t> used_{0};
  std::array<RelaxedAtomic<size_t>, kUseCount> by_use_{};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ACCOUNT_H_
