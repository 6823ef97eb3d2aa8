// A bucket of the index: one cache line with seven slots and a control word:
//
//    63              24 23         8 7              0
//   |  sequence number  | generation | overflow count |
//
// The sequence number is odd while the bucket is being changed. `generation` is the low bits of the flush
// generation that the bucket's slots belong to. A flush only increments the namespace's generation; every bucket
// of another generation is stale and holds nothing. The overflow count is the number of slots that found this
// bucket full and lie in a later one of the same page; a search that meets 0 is over.
#ifndef LARDER_INTERNAL_INDEX_BUCKET_H_
#define LARDER_INTERNAL_INDEX_BUCKET_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "larder/internal/base/atomic.h"
#include "larder/internal/base/atomic_copy.h"
#include "larder/internal/index/slot.h"

namespace larder::internal {

inline constexpr int kSlotsPerBucket = 7;

struct alignas(64) Bucket {
  static constexpr int kSequenceShift = 24;
  static constexpr int kGenerationShift = 8;
  static constexpr uint64_t kGenerationMask = 0xffff;
  static constexpr uint64_t kOverflowMask = 0xff;  // a count that reaches it stays until the page is rebuilt
  static_assert(kSequenceShift == kGenerationShift + std::bit_width(kGenerationMask));

  // Parts of a control word.
  [[nodiscard]] static uint64_t overflow_count(uint64_t control) { return control & kOverflowMask; }
  [[nodiscard]] static uint64_t generation(uint64_t control) {
    return (control >> kGenerationShift) & kGenerationMask;
  }
  [[nodiscard]] static bool is_changing(uint64_t control) { return ((control >> kSequenceShift) & 1) != 0; }

  // A bit for each slot that has this tag, and, for tag 0, for each empty slot. Without branches: which slot
  // matches cannot be predicted, and a misprediction would discard the memory accesses that the processor has
  // started after it.
  [[nodiscard]] uint32_t matches(uint32_t tag) const {
#ifdef LARDER_LONG_PIECES
    // All eight 8-byte entries of the bucket; the control word is the first.
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
    return (matches_of_four(0, wanted) | matches_of_four(sizeof(Bucket) / 2, wanted) << 4) >> 1;
#else
    const uint64_t wanted = Slot(tag, 0, 0).word();
    uint32_t bits = 0;
#pragma GCC unroll 7
    for (size_t i = slots.size(); i-- > 0;) {
      bits += bits + static_cast<uint32_t>((slots[i].load() ^ wanted) < Slot(1, 0, 0).word());
    }
    return bits;
#endif
  }

  OrderedAtomic<uint64_t> control;
  std::array<RelaxedAtomic<uint64_t>, kSlotsPerBucket> slots;

#ifdef LARDER_LONG_PIECES
 private:
  // The same for the four entries that start at `offset` from the bucket's start.
  [[nodiscard, gnu::always_inline]] uint32_t matches_of_four(size_t offset, __m128i wanted) const {
    const std::byte* const words = reinterpret_cast<const std::byte*>(this) + offset;
    const __m128 first = _mm_castsi128_ps(load_long_piece(words));
    const __m128 second = _mm_castsi128_ps(load_long_piece(words + sizeof(LongPiece)));
    const __m128i upper_halves = _mm_castps_si128(_mm_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1)));
    const __m128i tags = _mm_srli_epi32(upper_halves, 32 - Slot::kTagBits);
    return static_cast<uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(tags, wanted))));
  }
#endif
};
static_assert(sizeof(Bucket) == 64);

// Keeps the bucket's sequence number odd while it lives.
class BucketChange {
 public:
  explicit BucketChange(Bucket& bucket) : bucket_(bucket) {
    step(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
  }
  ~BucketChange() { step(std::memory_order_release); }
  BucketChange(const BucketChange&) = delete;
  BucketChange& operator=(const BucketChange&) = delete;

 private:
  void step(std::memory_order order) {
    bucket_.control.store(bucket_.control.load(std::memory_order_relaxed) + (uint64_t{1} << Bucket::kSequenceShift),
                          order);
  }
  Bucket& bucket_;
};

// Adds one to the frequency of a slot that was seen there, up to kFrequencyMax.
inline void mark_used(RelaxedAtomic<uint64_t>& word, Slot slot) {
  if (slot.frequency() == Slot::kFrequencyMax) return;
  uint64_t seen = slot.word();
  // A failed exchange is a write, too, and memory that was given back must not be written.
  if (word.load() != seen) return;
  // Relaxed, and no retry: a use that is not counted does no harm.
  word.compare_exchange_strong(seen, Slot(slot.tag(), slot.frequency() + 1, slot.address()).word());
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_BUCKET_H_
