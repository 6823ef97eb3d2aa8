// What several models share of the engine, as it is there but for what no order depends on: a bucket has one slot,
// a record two words, a segment room for one record.
#ifndef LARDER_TESTS_MEMORY_MODEL_ENGINE_PARTS_H_
#define LARDER_TESTS_MEMORY_MODEL_ENGINE_PARTS_H_

#include <optional>

#include "memory_model/orders.h"

namespace larder::memory_model {

// bucket.h: Bucket, with the sequence number alone as its control word.
struct Bucket {
  Atomic control;
  Atomic slot;
};

// bucket.h, stripe.h: BucketChange and LayoutChange, which make a number odd while they live.
template <const Site& begin, const Site& end>
class Change {
 public:
  explicit Change(Atomic& number, Where where = here()) : number_(number), where_(where) {
    step(mo_relaxed);
    thread_fence(order(begin), where_);
  }
  ~Change() { step(order(end)); }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

 private:
  void step(rl::memory_order how) { number_.store(number_.load(mo_relaxed, where_) + 1, how, where_); }

  Atomic& number_;
  const Where where_;
};
using BucketChange = Change<kBucketChangeBegin, kBucketChangeEnd>;
using LayoutChange = Change<kLayoutChangeBegin, kLayoutChangeEnd>;

// record.h: a key, and a value that must be of that key.
struct Record {
  Atomic key;
  Atomic value;

  // Record::create.
  void create(unsigned content) {
    thread_fence(order(kCreate));
    rewrite(content);
  }
  // Record::rewrite: in whole words, each by itself.
  void rewrite(unsigned content) {
    key.store(content, mo_relaxed);
    value.store(content, mo_relaxed);
  }
};

// Arena::discard: memory goes back to the system and reads as zeros. Who reads these sees what was done before, as
// lib/CONCURRENCY.md assumes.
inline void discard(Record& record) {
  thread_fence(mo_release);
  record.rewrite(0);
}
inline void discard(Bucket& bucket) {
  thread_fence(mo_release);
  bucket.control.store(0, mo_relaxed);
  bucket.slot.store(0, mo_relaxed);
}

// What a reader without a lock copied.
struct Seen {
  unsigned slot = 0;
  unsigned key = 0;
  unsigned value = 0;
};

// A search without a lock, where it begins (Probe::load_bucket, optimistic_find_at_home) or further on
// (optimistic_find_further): none if anything changed meanwhile. It copies `record`, if there is one, for a slot
// that is not empty.
template <const Site& load = kLoadBucket, const Site& end = kFindEnd>
std::optional<Seen> optimistic_find(const Bucket& bucket, const Record* record = nullptr) {
  const unsigned control = bucket.control.load(order(load));
  if (control % 2 != 0) return std::nullopt;
  Seen seen{.slot = bucket.slot.load(mo_relaxed)};
  if (record != nullptr && seen.slot != 0) {
    seen.key = record->key.load(mo_relaxed);
    seen.value = record->value.load(mo_relaxed);
  }
  thread_fence(order(end));
  return bucket.control.load(mo_relaxed) == control ? std::optional(seen) : std::nullopt;
}

// segment.h: the fill word of a segment.
inline constexpr unsigned kOpenBit = 1u << 31;
inline constexpr unsigned kOneWriter = 1u << 16;
inline constexpr unsigned kUsedMask = kOneWriter - 1;
inline constexpr unsigned kWritersMask = ~kOpenBit & ~kUsedMask;

// segment.h: SegmentState.
struct State {
  static constexpr unsigned kFree = 0, kSealed = 1, kCleaning = 2, kDraining = 3;
};

// Log::append, of a segment with room for one record.
inline bool append(Atomic& fill) {
  unsigned seen = fill.load(mo_relaxed);
  do {
    if ((seen & kOpenBit) == 0 || (seen & kUsedMask) != 0) return false;
  } while (!fill.compare_exchange(seen, seen + 1 + kOneWriter, order(kAppend)));
  return true;
}
// Log::commit.
inline void commit(Atomic& fill, Atomic& live) {
  live.fetch_add(1, mo_relaxed);
  fill.fetch_sub(kOneWriter, order(kCommit));
}
inline bool has_writers(const Atomic& fill) { return (fill.load(order(kHasWriters)) & kWritersMask) != 0; }

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_ENGINE_PARTS_H_
