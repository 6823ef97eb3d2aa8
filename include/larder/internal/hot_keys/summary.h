// Counts the keys of a stream in bounded memory, the frequent ones nearly exactly: Space-Saving (Metwally, Agrawal,
// El Abbadi 2005) in buckets, with counts that fade.
//
// A key belongs to the bucket that its hash selects. When its bucket is full, a new key takes the entry with the
// smallest count, and may have been counted that often before: so much may be missing from its own count. Hence for
// each key, with all counts fading alike:
//
// 1. counted ≤ truth ≤ counted + missing.
// 2. A key without an entry has no more than the smallest counted + missing in its bucket.
//
// The bytes of a key are kept from its third request on, for those that are counted most.
#ifndef LARDER_INTERNAL_HOT_KEYS_SUMMARY_H_
#define LARDER_INTERNAL_HOT_KEYS_SUMMARY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "larder/internal/hot_keys/sample_ring.h"

namespace larder::internal {

// For one thread at a time.
class Summary {
 public:
  // Of all requests; the counts of one key, in requests that were drawn.
  struct Count {
    std::string key;
    size_t key_bytes = 0;
    uint64_t hash = 0;
    double reads = 0;
    double writes = 0;
    double missing = 0;
  };

  // With at least one bucket for so many bytes; nothing can be counted with 0.
  explicit Summary(size_t bytes);
  [[nodiscard]] static size_t bytes_for(size_t bytes);

  void add(const SampledRequest& request);
  // All counts become half of what they are.
  void halve();

  // Of all requests.
  [[nodiscard]] double total() const { return total_; }
  // How many requests that all count the same would tell as much as these do.
  [[nodiscard]] double independent_total() const { return squares_ > 0 ? total_ * total_ / squares_ : 0; }

  // The keys whose bytes are kept, of the largest counts first; at most `n`.
  [[nodiscard]] std::vector<Count> top(size_t n) const;
  // How much was counted of a key, or may be missing, whether its bytes are kept or not.
  [[nodiscard]] Count count_of(uint64_t hash) const;
  [[nodiscard]] size_t keys_max() const { return kept_.size(); }

 private:
  static constexpr size_t kEntries = 16;
  static constexpr size_t kEntriesPerKey = 8;
  static constexpr size_t kBucketsMax = 64;
  static constexpr uint16_t kNoKey = UINT16_MAX;
  // A request, in counts: so that halving loses little.
  static constexpr uint32_t kOne = 256;
  static constexpr uint32_t kKeptMin = 3 * kOne;
  // So much more than the one with the smallest count a key must have to have its bytes kept instead.
  static constexpr uint32_t kKeptLead = 2 * kOne;

  struct Entry {
    [[nodiscard]] uint32_t counted() const { return reads + writes; }
    [[nodiscard]] uint32_t at_most() const { return reads + writes + missing; }
    [[nodiscard]] bool is_free() const { return at_most() == 0; }

    uint32_t reads = 0;
    uint32_t writes = 0;
    uint32_t missing = 0;
    uint16_t kept = kNoKey;  // where its bytes are
  };
  struct Bucket {
    std::array<uint64_t, kEntries> hashes{};
    std::array<Entry, kEntries> entries;
  };
  struct KeptKey {
    uint32_t entry = 0;
    uint16_t key_bytes = 0;
    std::array<char, SampledRequest::kKeyBytesKept> bytes;
  };

  [[nodiscard]] static size_t buckets_for(size_t bytes);
  [[nodiscard]] size_t bucket_of(uint64_t hash) const {
    return (hash * 0x9e3779b97f4a7c15u) >> 32 & (buckets_.size() - 1);
  }
  [[nodiscard]] Entry& entry(uint32_t number) { return buckets_[number / kEntries].entries[number % kEntries]; }
  [[nodiscard]] Count count(const Bucket& bucket, size_t i) const;
  void keep(uint32_t number, const SampledRequest& request);
  [[nodiscard]] uint16_t kept_with_least();
  void forget_key(Entry& entry);

  std::vector<Bucket> buckets_;
  std::vector<KeptKey> kept_;
  std::vector<uint16_t> free_;    // of kept_
  uint32_t kept_min_ = kKeptMin;  // a key with less need not ask for its bytes to be kept
  double total_ = 0;
  double squares_ = 0;  // of what each request counts
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_HOT_KEYS_SUMMARY_H_
