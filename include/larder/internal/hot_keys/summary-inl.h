#ifndef LARDER_INTERNAL_HOT_KEYS_SUMMARY_INL_H_
#define LARDER_INTERNAL_HOT_KEYS_SUMMARY_INL_H_

#include <algorithm>
#include <bit>
#include <numeric>

#include "larder/api.h"
#include "larder/internal/hot_keys/summary.h"

namespace larder::internal {

LARDER_INLINE size_t Summary::buckets_for(size_t bytes) {
  constexpr size_t kBytes = sizeof(Bucket) + kEntries / kEntriesPerKey * (sizeof(KeptKey) + sizeof(uint16_t));
  return std::min(std::bit_floor(bytes / kBytes), kBucketsMax);
}

LARDER_INLINE size_t Summary::bytes_for(size_t bytes) {
  const size_t buckets = buckets_for(bytes);
  const size_t keys = buckets * kEntries / kEntriesPerKey;
  return buckets * sizeof(Bucket) + keys * (sizeof(KeptKey) + sizeof(uint16_t));
}

LARDER_INLINE Summary::Summary(size_t bytes)
    : buckets_(buckets_for(bytes)), kept_(buckets_.size() * kEntries / kEntriesPerKey), free_(kept_.size()) {
  std::iota(free_.rbegin(), free_.rend(), uint16_t{0});
}

LARDER_INLINE void Summary::add(const SampledRequest& request) {
  const size_t number = bucket_of(request.hash);
  Bucket& bucket = buckets_[number];
  size_t at = 0;
  while (at < kEntries && (bucket.hashes[at] != request.hash || bucket.entries[at].is_free())) ++at;
  if (at == kEntries) {
    const auto least = std::ranges::min_element(bucket.entries, {}, &Entry::at_most);
    at = static_cast<size_t>(least - bucket.entries.begin());
    forget_key(*least);
    *least = {.missing = least->at_most()};
    bucket.hashes[at] = request.hash;
  }
  Entry& entry = bucket.entries[at];
  (request.kind == RequestKind::kRead ? entry.reads : entry.writes) += kOne;
  total_ += 1;
  squares_ += 1;
  if (entry.kept == kNoKey && entry.counted() >= kept_min_) {
    keep(static_cast<uint32_t>(number * kEntries + at), request);
  }
}

LARDER_INLINE void Summary::keep(uint32_t number, const SampledRequest& request) {
  Entry& keeper = entry(number);
  if (free_.empty()) {
    Entry& least = entry(kept_[kept_with_least()].entry);
    // By a little more, so that keys that are alike do not take turns.
    const uint32_t kept_min = std::max(kKeptMin, least.counted() + least.counted() / 8 + kKeptLead);
    if (keeper.counted() >= kept_min) forget_key(least);
    kept_min_ = kept_min;
    if (free_.empty()) return;
  }
  keeper.kept = free_.back();
  free_.pop_back();
  KeptKey& kept = kept_[keeper.kept];
  kept.entry = number;
  kept.key_bytes = request.key_bytes;
  std::ranges::copy(request.key, kept.bytes.begin());
}

LARDER_INLINE uint16_t Summary::kept_with_least() {
  const auto least =
      std::ranges::min_element(kept_, {}, [&](const KeptKey& kept) { return entry(kept.entry).counted(); });
  return static_cast<uint16_t>(least - kept_.begin());
}

LARDER_INLINE void Summary::forget_key(Entry& entry) {
  if (entry.kept == kNoKey) return;
  free_.push_back(entry.kept);
  entry.kept = kNoKey;
  kept_min_ = kKeptMin;
}

LARDER_INLINE void Summary::halve() {
  for (Bucket& bucket : buckets_) {
    for (Entry& entry : bucket.entries) {
      if (entry.is_free()) continue;
      // Rounded so that the truth stays within the bounds.
      const uint32_t at_most = entry.at_most() / 2 + 1;
      entry.reads /= 2;
      entry.writes /= 2;
      entry.missing = at_most - entry.counted();
      if (entry.counted() < kOne) forget_key(entry);
    }
  }
  kept_min_ = kKeptMin;
  total_ /= 2;
  squares_ /= 4;
}

LARDER_INLINE Summary::Count Summary::count(const Bucket& bucket, size_t i) const {
  constexpr double kUnit = 1.0 / kOne;
  const Entry& entry = bucket.entries[i];
  Count count{.key = {},
              .key_bytes = 0,
              .hash = bucket.hashes[i],
              .reads = kUnit * entry.reads,
              .writes = kUnit * entry.writes,
              .missing = kUnit * entry.missing};
  if (entry.kept != kNoKey) {
    const KeptKey& kept = kept_[entry.kept];
    count.key_bytes = kept.key_bytes;
    count.key.assign(kept.bytes.data(), std::min<size_t>(kept.key_bytes, SampledRequest::kKeyBytesKept));
  }
  return count;
}

LARDER_INLINE std::vector<Summary::Count> Summary::top(size_t n) const {
  std::vector<Count> counts;
  for (const Bucket& bucket : buckets_) {
    for (size_t i = 0; i < kEntries; ++i) {
      if (bucket.entries[i].kept != kNoKey) counts.push_back(count(bucket, i));
    }
  }
  // By the middle of the bounds; of two that are alike, always the same one first.
  std::ranges::sort(counts, [](const Count& a, const Count& b) {
    const double of_a = a.reads + a.writes + a.missing / 2;
    const double of_b = b.reads + b.writes + b.missing / 2;
    return of_a != of_b ? of_a > of_b : a.hash < b.hash;
  });
  if (counts.size() > n) counts.resize(n);
  return counts;
}

LARDER_INLINE Summary::Count Summary::count_of(uint64_t hash) const {
  const Bucket& bucket = buckets_[bucket_of(hash)];
  for (size_t i = 0; i < kEntries; ++i) {
    if (bucket.hashes[i] == hash && !bucket.entries[i].is_free()) return count(bucket, i);
  }
  const Entry& least = *std::ranges::min_element(bucket.entries, {}, &Entry::at_most);
  Count count;
  count.hash = hash;
  count.missing = static_cast<double>(least.at_most()) / kOne;
  return count;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_HOT_KEYS_SUMMARY_INL_H_
