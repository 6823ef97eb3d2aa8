#ifndef LARDER_INTERNAL_ENGINE_ERASED_TAGS_INL_H_
#define LARDER_INTERNAL_ENGINE_ERASED_TAGS_INL_H_

#include <algorithm>
#include <bit>
#include <cstring>

#include "larder/api.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/engine/erased_tags.h"

namespace larder::internal {

LARDER_INLINE TagStamp::TagStamp(const Tags& tags, uint64_t erasures) {
  std::memcpy(bytes_.data(), &erasures, Extension::kErasuresBytes);
  for (const uint32_t hash : tags.hashes()) {
    if (hash == 0) break;
    std::memcpy(bytes_.data() + Extension::kErasuresBytes + tag_count_ * sizeof hash, &hash, sizeof hash);
    ++tag_count_;
  }
}

LARDER_INLINE size_t ErasedTags::begin(size_t limit_bytes) {
  size_t made_bytes = 0;
  absl::call_once(once_, [&] {
    size_t bytes = std::bit_floor(std::clamp(limit_bytes / kShareOfLimit, kBytesMin, kBytesMax));
    // Memory that reads as zeros, much of which may never be touched.
    for (; table_ == nullptr && bytes >= kBytesMin; bytes /= 2) {
      table_.reset(static_cast<Word*>(std::calloc(bytes / sizeof(Word), sizeof(Word))));
      made_bytes = bytes;
    }
    if (table_ == nullptr) {
      made_bytes = 0;
      return;
    }
    words_ = table_.get();
    word_bits_ = std::countr_zero(made_bytes / sizeof(Word));
  });
  return made_bytes;
}

inline std::array<size_t, ErasedTags::kWordsPerTag> ErasedTags::places(uint32_t hash) const {
  // Odd numbers without a pattern: the upper bits of the products are as good as independent.
  return {top_bits(hash * 0x9e37'79b9'7f4a'7c15u, word_bits_), top_bits(hash * 0xc2b2'ae3d'27d4'eb4fu, word_bits_),
          top_bits(hash * 0xd6e8'feb8'6659'fd93u, word_bits_)};
}

LARDER_INLINE void ErasedTags::erase(uint32_t hash) {
  const uint64_t number = count_.fetch_add(1, std::memory_order_release) + 1;
  for (const size_t place : places(hash)) words_[place].raise_to(number);
}

LARDER_INLINE bool ErasedTags::has_erased(const Content& content) const {
  uint64_t count = 0;
  std::memcpy(&count, content.tags, Extension::kErasuresBytes);
  for (size_t i = 0; i < content.tag_count(); ++i) {
    const auto hash = load_number<uint32_t>(content.tags + Extension::kErasuresBytes + i * sizeof(uint32_t));
    if (std::ranges::all_of(places(hash), [&](size_t place) { return words_[place].load() > count; })) return true;
  }
  return false;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_ERASED_TAGS_INL_H_
