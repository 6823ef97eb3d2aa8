// What one thread has done with keys of the sample and nobody has told the miniatures of yet.
#ifndef LARDER_INTERNAL_CURVE_RING_H_
#define LARDER_INTERNAL_CURVE_RING_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "larder/internal/curve/miniature.h"

namespace larder::internal {

enum class Followed : uint8_t {
  kHit,    // a get that found the item
  kMiss,   // a get that found none
  kStore,  // an item was stored or changed
  kLoad,   // the same, after a get by the same thread that found none
  kErase,
};

struct Access {
  uint64_t hash = 0;
  uint32_t bytes = 0;  // of the item, if that is known
  Miniature::Deadline deadline = Miniature::kNever;
  uint16_t count = 1;  // kHit: how many gets
  Followed kind = Followed::kHit;
};

// For the thread that it belongs to.
class alignas(64) AccessRing {
 public:
  // So many accesses stay behind, so that repeated gets of a busy key become one.
  static constexpr size_t kKept = 8;

  [[nodiscard]] size_t size() const { return size_; }

  // If there is no room, the oldest access is dropped for it.
  void push(const Access& access) {
    if (access.kind == Followed::kHit && merge(access.hash)) return;
    if (size_ == kAccesses) (void)pop();
    at(size_++) = access;
  }

  [[nodiscard]] Access pop() {
    const Access access = at(0);
    first_ = (first_ + 1) % kAccesses;
    --size_;
    return access;
  }

  // A get has missed: a store of the key may follow.
  void wait_for(uint64_t hash) { waited_for(hash) = tag(hash); }
  // Whether that was so.
  [[nodiscard]] bool has_waited_for(uint64_t hash) {
    if (waited_for(hash) != tag(hash)) return false;
    waited_for(hash) = 0;
    return true;
  }

 private:
  static constexpr size_t kAccesses = 32;
  static constexpr size_t kWaits = 64;

  [[nodiscard]] Access& at(size_t i) { return accesses_[(first_ + i) % kAccesses]; }
  [[nodiscard]] static uint32_t tag(uint64_t hash) { return static_cast<uint32_t>(hash >> 32) | 1; }
  [[nodiscard]] uint32_t& waited_for(uint64_t hash) { return waits_[hash % kWaits]; }

  bool merge(uint64_t hash) {
    for (size_t i = size_; i > 0 && size_ - i < kKept; --i) {
      Access& access = at(i - 1);
      if (access.hash != hash) continue;
      if (access.kind != Followed::kHit || access.count == UINT16_MAX) return false;
      ++access.count;
      return true;
    }
    return false;
  }

  std::array<Access, kAccesses> accesses_;
  std::array<uint32_t, kWaits> waits_{};
  uint8_t first_ = 0;
  uint8_t size_ = 0;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_CURVE_RING_H_
