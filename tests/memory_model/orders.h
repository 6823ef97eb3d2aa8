// Every memory order of the engine that is more than relaxed, by the line of its source.
//
// A model asks for an order with order(kSite), which returns the engine's unless a test has weakened it.
#ifndef LARDER_TESTS_MEMORY_MODEL_ORDERS_H_
#define LARDER_TESTS_MEMORY_MODEL_ORDERS_H_

#include <array>
#include <string_view>

#include "memory_model/relacy.h"

namespace larder::memory_model {

class Site {
 public:
  // `source`: as it stands in include/larder/internal, but for white space.
  explicit constexpr Site(std::string_view source) : source_(source), order_(order_in(source)) {}
  [[nodiscard]] constexpr std::string_view source() const { return source_; }
  [[nodiscard]] constexpr rl::memory_order order() const { return order_; }

 private:
  static constexpr rl::memory_order order_in(std::string_view source) {
    const auto has = [source](std::string_view word) { return source.find(word) != std::string_view::npos; };
    if (has("memory_order_seq_cst")) return mo_seq_cst;
    if (has("memory_order_acq_rel")) return mo_acq_rel;
    return has("memory_order_acquire") ? mo_acquire : mo_release;
  }

  std::string_view source_;
  rl::memory_order order_;
};

// --- index ---
inline constexpr Site kBucketChangeBegin{
    "explicit BucketChange(Bucket& bucket) : bucket_(bucket) { step(std::memory_order_relaxed); "
    "std::atomic_thread_fence(std::memory_order_release);"};
inline constexpr Site kBucketChangeEnd{"~BucketChange() { step(std::memory_order_release); }"};
inline constexpr Site kLayoutChangeBegin{
    "explicit LayoutChange(Stripe& stripe) : stripe_(stripe) { step(std::memory_order_relaxed); "
    "std::atomic_thread_fence(std::memory_order_release);"};
inline constexpr Site kLayoutChangeEnd{"~LayoutChange() { step(std::memory_order_release); }"};
inline constexpr Site kStartProbe{"probe.layout = probe.stripe->layout.load(std::memory_order_acquire);"};
inline constexpr Site kLoadBucket{"control = bucket->control.load(std::memory_order_acquire);"};
inline constexpr Site kFindEnd{
    "std::atomic_thread_fence(std::memory_order_acquire); if "
    "(probe.bucket->control.load(std::memory_order_relaxed)"};
inline constexpr Site kLoadBucketFurther{
    "const uint64_t control = bucket.control.load(std::memory_order_acquire);"};
inline constexpr Site kFindFurtherEnd{
    "std::atomic_thread_fence(std::memory_order_acquire); for (uint32_t i = 0; i < probed; ++i)"};
inline constexpr Site kDirectoryInstall{"stripe.directory.store(directory.get(), std::memory_order_release);"};
inline constexpr Site kDirectoryEntry{
    "const Directory* const deep = directory.load(std::memory_order_acquire); return deep == nullptr ? few_pages"};
inline constexpr Site kDirectoryDepth{
    "const Directory* const deep = directory.load(std::memory_order_acquire); return deep == nullptr ? "
    "kFewPagesDepth"};
inline constexpr Site kFlush{"flushes.generation.fetch_add(1, std::memory_order_acq_rel);"};
inline constexpr Site kGeneration{"return flushes_[space].generation.load(std::memory_order_acquire);"};

// --- record ---
inline constexpr Site kCreate{"std::atomic_thread_fence(std::memory_order_release); assert(is_large || "};

// --- log: room ---
inline constexpr Site kReserve{"const SegmentId id = open.load(std::memory_order_acquire);"};
inline constexpr Site kAppend{
    "segment.fill.compare_exchange_weak(fill, fill + bytes + Segment::kOneWriter, std::memory_order_acquire,"};
inline constexpr Site kOpenFill{"segments_[id].fill.store(Segment::kOpenBit, std::memory_order_release);"};
inline constexpr Site kOpenNext{"open.store(id, std::memory_order_release);"};
inline constexpr Site kLargeFill{
    "segments_[id].fill.store(Segment::kOneWriter + room_bytes, std::memory_order_release);"};
inline constexpr Site kCommit{"segment.fill.fetch_sub(Segment::kOneWriter, std::memory_order_release);"};
inline constexpr Site kHasWriters{"(fill.load(std::memory_order_acquire) & kWritersMask) != 0;"};
inline constexpr Site kUsedBytes{"fill.load(std::memory_order_acquire) & kUsedMask;"};
inline constexpr Site kSeal{"fill.fetch_and(~Segment::kOpenBit, std::memory_order_acq_rel);"};

// --- log: freeing ---
inline constexpr Site kRemoveLive{"of.live_bytes.fetch_sub(live_bytes, std::memory_order_acq_rel);"};
inline constexpr Site kNothingLive{"of.live_bytes.load(std::memory_order_acquire) == 0"};
inline constexpr Site kPin{"segment(id).pins.fetch_add(1, std::memory_order_seq_cst);"};
inline constexpr Site kIsPinned{"segment(id).pins.load(std::memory_order_seq_cst) != 0;"};
inline constexpr Site kUnpin{"of.pins.fetch_sub(1, std::memory_order_seq_cst) != 1"};
inline constexpr Site kIsDraining{"of.state.load(std::memory_order_seq_cst) != SegmentState::kDraining"};
inline constexpr Site kDrain{"state.store(SegmentState::kDraining, std::memory_order_seq_cst);"};
inline constexpr Site kStart{"segment.state.store(state, std::memory_order_seq_cst);"};
inline constexpr Site kSealed{"state.store(SegmentState::kSealed, std::memory_order_seq_cst);"};
inline constexpr Site kCleaning{"state.store(SegmentState::kCleaning, std::memory_order_seq_cst);"};
inline constexpr Site kReturning{"state.store(SegmentState::kReturning, std::memory_order_seq_cst);"};
inline constexpr Site kFree{"state.store(SegmentState::kFree, std::memory_order_seq_cst);"};
inline constexpr Site kUnused{"state.store(SegmentState::kUnused, std::memory_order_seq_cst);"};

// --- engine: a flush that becomes due ---
inline constexpr Site kNow{"if (now < flush_due_ms_.load(std::memory_order_acquire)) return now;"};
inline constexpr Site kMoment{"if (engine.flush_due_ms_.load(std::memory_order_acquire) != kNoFlush)"};
inline constexpr Site kFlushDone{"flush_due_ms_.store(kNoFlush, std::memory_order_release);"};
inline constexpr Site kFlushAll{
    "flush_due_ms_.store(delay_ms > 0 ? due_ms : kNoFlush, std::memory_order_release);"};

// --- engine: erased tags ---
inline constexpr Site kErase{"const uint64_t number = count_.fetch_add(1, std::memory_order_release) + 1;"};
inline constexpr Site kErasures{"return count_.load(std::memory_order_acquire);"};

// --- loader: a landing ---
inline constexpr Site kHappen{"if (state_.exchange(kPast, std::memory_order_release) == kAwaited) wake_all();"};
inline constexpr Site kWait{"uint32_t state = state_.load(std::memory_order_acquire);"};

// --- objects: the end of a listener ---
inline constexpr Site kTold{"news.space->telling.fetch_sub(1, std::memory_order_release);"};
inline constexpr Site kAwaitTold{"while (space.telling.load(std::memory_order_acquire) != 0)"};

// --- counters ---
inline constexpr Site kTakeNumber{
    "compare_exchange_weak(word, word | uint64_t{1} << bit, std::memory_order_acquire,"};
inline constexpr Site kGiveNumberBack{
    "fetch_and(~(uint64_t{1} << at % kThreadNumbersPerWord), "
    "std::memory_order_release);"};
inline constexpr Site kBlockOfMany{"Block* blocks = more_[i].load(std::memory_order_acquire);"};
inline constexpr Site kTotal{"const Block* const blocks = more_[i].load(std::memory_order_acquire);"};
inline constexpr Site kMakeMore{"more_[i].compare_exchange_strong(blocks, made.get(), std::memory_order_acq_rel)"};
inline constexpr Site kReset{"reset_at_[i].store(total(static_cast<Counter>(i)), std::memory_order_release);"};
inline constexpr Site kSum{"reset_at_[index(counter)].load(std::memory_order_acquire);"};

// What a test has weakened.
struct Weakening {
  const Site* site = nullptr;
  rl::memory_order to = mo_relaxed;
};
inline std::array<Weakening, 2> weakenings;

inline rl::memory_order order(const Site& site) {
  for (const Weakening& weakening : weakenings) {
    if (weakening.site == &site) return weakening.to;
  }
  return site.order();
}

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_ORDERS_H_
