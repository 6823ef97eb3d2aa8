// Which tags were erased, and when (larder/tags.h).
//
// Erasures are numbered. An item with tags notes how many there had been when it was stored, and is gone once one
// of its tags has been erased with a higher number. What is remembered of erasures is a Bloom filter with numbers
// in place of bits: an erasure raises the words that the tag's hash selects to its number, and a tag was erased
// since the n-th erasure if all its words are above n. Other tags may have raised them: then an item goes that need
// not.
//
// Concurrency: lib/CONCURRENCY.md. The words are there before the first item with tags is stored, and so for
// everybody who finds one.
#ifndef LARDER_INTERNAL_ENGINE_ERASED_TAGS_H_
#define LARDER_INTERNAL_ENGINE_ERASED_TAGS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "absl/base/call_once.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/item/content.h"
#include "larder/internal/item/extension.h"
#include "larder/removal_listener.h"
#include "larder/tags.h"

namespace larder::internal {

// An item's tags, and how many erasures there had been, as Content::tags points to them.
class TagStamp {
 public:
  TagStamp(const Tags& tags, uint64_t erasures);

  // Must outlive the content.
  void put_into(Content& content) const {
    content.marks = static_cast<Marks>((content.marks & ~kMarksTags) | tag_count_ << kTagCountShift);
    content.tags = bytes_.data();
  }

 private:
  std::array<std::byte, Extension::tag_bytes(kTagsMax)> bytes_{};
  size_t tag_count_ = 0;
};

// Of an item that is over: expired, or of an erased tag.
[[nodiscard]] inline Removal why_over(const Content& content, int64_t now_ms) {
  return content.deadline_ms <= now_ms ? Removal::kExpired : Removal::kErased;
}

// Thread-safe.
class ErasedTags {
 public:
  // Takes 1/256 of the limit, or less if the system does not grant that. To be called before anything else, as
  // often as it is; how many bytes are to be charged, once.
  [[nodiscard]] size_t begin(size_t limit_bytes);

  // How many erasures there have been. Acquire: what a load reads afterwards is no older than these.
  [[nodiscard]] uint64_t count() const { return count_.load(std::memory_order_acquire); }
  void erase(uint32_t hash);
  // Whether an item with this content is gone for one of its tags.
  [[nodiscard]] bool is_erased(const Content& content) const {
    return content.has(kMarksTags) && has_erased(content);
  }

 private:
  using Word = RelaxedAtomic<uint64_t>;
  static constexpr size_t kShareOfLimit = 256;
  static constexpr size_t kBytesMin = size_t{1} << 10;
  static constexpr size_t kBytesMax = size_t{256} << 20;
  static constexpr size_t kWordsPerTag = 3;
  struct Free {
    void operator()(Word* words) const { std::free(words); }
  };

  [[nodiscard]] bool has_erased(const Content& content) const;
  [[nodiscard]] std::array<size_t, kWordsPerTag> places(uint32_t hash) const;

  absl::once_flag once_;
  // Without memory for more there is one word, which all tags share. Written once, before the first item has tags.
  Word only_word_{0};
  std::unique_ptr<Word[], Free> table_;
  Word* words_ = &only_word_;
  int word_bits_ = 0;
  // On a line of its own: what lies above is read for every item that has tags.
  alignas(64) OrderedAtomic<uint64_t> count_{0};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_ERASED_TAGS_H_
