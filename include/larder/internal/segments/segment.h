// The descriptor of a segment of the log, a run of memory that records are appended to.
//
// Room is reserved with one compare-and-swap on the segment's fill word, which also counts the writers that have
// reserved but not yet committed:
//
//    63     62        40 39                0
//   | open | writers    | bytes used       |
#ifndef LARDER_INTERNAL_SEGMENTS_SEGMENT_H_
#define LARDER_INTERNAL_SEGMENTS_SEGMENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "larder/internal/base/atomic.h"
#include "larder/internal/item/record.h"
#include "larder/internal/segments/expiry_forecast.h"

namespace larder::internal {

// On probation, and proven: see policy/s3fifo.h.
enum class Chain : uint8_t { kSmall, kMain };
inline constexpr size_t kChainCount = 2;

// An item larger than this share of the limit is oversized.
inline constexpr uint64_t kOversizedDivisor = 10;
[[nodiscard]] constexpr bool is_oversized(uint64_t bytes, uint64_t limit_bytes) {
  return bytes > limit_bytes / kOversizedDivisor;
}

// What handles may hold, as parts of the limit: if nothing else is said, and in any case.
inline constexpr size_t kPinnedDivisor = 8;
inline constexpr size_t kPinnedDivisorMin = 2;

// kReturning: its memory is being given back to the system.
enum class SegmentState : uint8_t { kUnused, kFree, kOpen, kSealed, kCleaning, kDraining, kReturning };

[[nodiscard]] constexpr bool holds_records(SegmentState state) {
  return state == SegmentState::kOpen || state == SegmentState::kSealed || state == SegmentState::kCleaning ||
         state == SegmentState::kDraining;
}

using SegmentId = uint32_t;  // the number of its first unit; 0: none

// All zeros is an unused segment: memory that is new, or was given back and is read by a late reader.
struct alignas(64) Segment {
  // The parts of the fill word.
  static constexpr uint64_t kOpenBit = uint64_t{1} << 63;
  static constexpr int kWritersShift = 40;
  static constexpr uint64_t kOneWriter = uint64_t{1} << kWritersShift;
  static constexpr uint64_t kUsedMask = kOneWriter - 1;
  static constexpr uint64_t kWritersMask = ~kOpenBit & ~kUsedMask;
  static_assert(2 * kItemBytesMaxMax < kUsedMask, "the room of any item, in whole pages");

  [[nodiscard]] uint64_t used_bytes() const { return fill.load(std::memory_order_acquire) & kUsedMask; }
  [[nodiscard]] bool has_writers() const {
    // Acquire: a thread that sees no writers also sees what the last one wrote into the segment.
    return (fill.load(std::memory_order_acquire) & kWritersMask) != 0;
  }
  // Whether it can be cleaned now.
  [[nodiscard]] bool is_idle() const {
    return state.load(std::memory_order_relaxed) == SegmentState::kSealed && !has_writers() &&
           pins.load(std::memory_order_relaxed) == 0;
  }

  OrderedAtomic<uint64_t> fill{0};
  OrderedAtomic<uint64_t> live_bytes{0};
  OrderedAtomic<uint32_t> pins{0};
  OrderedAtomic<SegmentState> state{SegmentState::kUnused};  // written under Log::mutex_
  // Guarded by Log::mutex_.
  static constexpr uint8_t kNotListed = 0;
  uint8_t dead_step = kNotListed;  // its list in Log::by_dead_share_
  uint16_t used_in_page : 15 = 0;  // first descriptor of a system page: how many of that page are in use
  bool is_fill : 1 = false;        // came to main unread, in a loop, and back when it was over (policy/loop.h)
  // The latest deadline of the records; relaxed, updated with compare-and-swap.
  RelaxedAtomic<int64_t> deadline_max_ms{0};
  // Constant from when the segment is taken into use until it is freed, and published with the first slot that
  // points into it; but for the chain, which changes under Log::mutex_.
  RelaxedAtomic<uint64_t> room_bytes{0};  // 0 for an unused segment
  RelaxedAtomic<bool> is_large{false};
  RelaxedAtomic<Chain> chain{Chain::kSmall};
  RelaxedAtomic<uint8_t> lead_bytes{0};  // of a large item: its record's offset from the segment's start
  RelaxedAtomic<bool> has_grown{false};  // of a large item: it has moved for an append before
  // Guarded by Log::mutex_.
  SegmentId older = 0;
  SegmentId newer = 0;
  SegmentId previous_listed = 0;
  SegmentId next_listed = 0;
  // How many of the pins are of handles. Relaxed: only a count; changes from 0 and to 0 under Log::mutex_.
  RelaxedAtomic<uint32_t> handles{0};
  uint64_t opened = 0;  // position in the order of opening, over both chains; each chain is sorted by it

  ExpiryForecast forecast;  // not used for large items
};
static_assert(sizeof(Segment) == 128);

// Room for one record, reserved but not yet committed.
struct Reservation {
  SegmentId segment = 0;
  uint64_t address = 0;
  size_t room_bytes = 0;
  bool is_large = false;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_SEGMENT_H_
