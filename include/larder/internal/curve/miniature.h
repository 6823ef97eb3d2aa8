// A miniature of the cache: the same policy, item by item (item_policy.h), for the keys of a sample and without
// values.
//
// Bytes here are those of the sample (Sample::charge), and deadlines are in units of 256 ms.
#ifndef LARDER_INTERNAL_CURVE_MINIATURE_H_
#define LARDER_INTERNAL_CURVE_MINIATURE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "larder/internal/curve/sample.h"
#include "larder/internal/policy/item_policy.h"
#include "larder/internal/segments/segment.h"

namespace larder::internal {

// For one thread at a time.
class Miniature {
 public:
  using Deadline = uint32_t;
  static constexpr Deadline kNever = UINT32_MAX;

  // Room for `entries`, at most 2^15.
  explicit Miniature(size_t entries);
  // The memory that one takes.
  [[nodiscard]] static size_t bytes_for(size_t entries);

  // Capacity in bytes of the sample, and of what it stands for: those tell which items are too long.
  void set_capacity(uint64_t bytes, uint64_t limit_bytes);

  // Reads the item `count` times; 0 leaves it as it is. False if it is missing.
  bool read(uint64_t hash, uint32_t count, Deadline now, Deadline deadline = 0);
  // It has missed a key that was asked for the first time, or not.
  void note_miss(bool is_first) {
    Flow& flow = policy_.flow();
    ++flow.sampled;
    if (is_first) return;
    ++flow.again;
    ++flow.asked_for;
  }
  // Stores an item that is `bytes` long, or gives the one there that size and that deadline. False: there is no
  // room for another entry.
  [[nodiscard]] bool store(uint64_t hash, uint32_t bytes, Deadline deadline);
  void erase(uint64_t hash);
  // Removes every item for which is_gone(hash, bytes) is true.
  void erase_if(const std::function<bool(uint64_t hash, uint32_t bytes)>& is_gone);
  // Charges for items as `sample` says, from now on, and drops those that are not in it.
  void refit(const Sample& sample);

  [[nodiscard]] uint64_t capacity() const { return policy_.capacity(); }
  [[nodiscard]] uint64_t used() const { return policy_.used(); }
  // Of all items that were ever stored and had not been there.
  [[nodiscard]] uint64_t inserted() const { return inserted_; }
  [[nodiscard]] size_t entries() const { return entries_in_use_; }
  [[nodiscard]] size_t entries_max() const { return entries_.size() - 1; }
  // Whether anything has had to go for want of room since it was made, or since `forget_full`.
  [[nodiscard]] bool was_full() const { return was_full_; }
  void forget_full() { was_full_ = false; }

 private:
  using Number = uint16_t;  // of an entry; 0 is none
  struct Entry {
    uint64_t hash = 0;
    uint32_t bytes = 0;  // 0: the entry is free
    Deadline deadline = 0;
    Number older = 0, newer = 0;  // in its chain
    Number next = 0;              // in its bucket, or free
    Chain chain = Chain::kSmall;
    uint8_t frequency : 7 = 0;
    bool is_fill : 1 = false;  // came to main unread, in a loop, and back when it was over
  };
  static_assert(sizeof(Entry) == 24);

  [[nodiscard]] Number& bucket_of(uint64_t hash);
  [[nodiscard]] Number find(uint64_t hash);
  void append(Number number, Chain chain);
  void take_out(Number number);
  void remove(Number number);
  void make_room();
  void clear_fill(Number number);
  // Looks at a few entries: expired ones go, and what main was filled with when the loop is over.
  void sweep(Deadline now);

  Sample sample_;
  std::vector<Entry> entries_;  // [0] is unused
  std::vector<Number> buckets_;
  ItemPolicy policy_;
  Number free_ = 0;
  size_t entries_in_use_ = 0;
  Number hand_ = 0;
  std::array<Number, kChainCount> oldest_{}, newest_{};
  uint64_t inserted_ = 0;
  uint64_t limit_bytes_ = 0;
  bool was_full_ = false;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_CURVE_MINIATURE_H_
