// The requests that one thread has drawn and nobody has counted yet, and when it draws the next one.
#ifndef LARDER_INTERNAL_HOT_KEYS_SAMPLE_RING_H_
#define LARDER_INTERNAL_HOT_KEYS_SAMPLE_RING_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "larder/internal/item/key_ref.h"

namespace larder::internal {

enum class RequestKind : uint8_t { kRead, kWrite };

// A request that was drawn.
struct SampledRequest {
  // More of a key is not kept.
  static constexpr size_t kKeyBytesKept = 250;

  uint64_t hash = 0;
  std::string_view key;    // its first bytes
  uint16_t key_bytes = 0;  // of the whole key
  RequestKind kind = RequestKind::kRead;
};

// For the thread that it belongs to.
class alignas(64) SampleRing {
 public:
  // False: there is no room.
  bool push(const KeyRef& key, RequestKind kind) {
    const size_t kept_bytes = std::min(key.bytes.size(), SampledRequest::kKeyBytesKept);
    if (used_ + sizeof(Head) + kept_bytes > memory_.size()) return false;
    const Head head{.hash = key.hash, .key_bytes = static_cast<uint16_t>(key.bytes.size()), .kind = kind};
    std::memcpy(&memory_[used_], &head, sizeof head);
    std::memcpy(&memory_[used_ + sizeof head], key.bytes.data(), kept_bytes);
    used_ = static_cast<uint16_t>(used_ + sizeof head + kept_bytes);
    return true;
  }

  // Half of it may be used before anybody need take the lock to empty it.
  [[nodiscard]] bool should_be_emptied() const { return used_ > memory_.size() / 2; }
  [[nodiscard]] bool is_empty() const { return used_ == 0; }

  // Calls visit(request) for each, in order, and forgets them.
  template <class Visit>
  void empty(Visit&& visit) {
    for (size_t at = 0; at < used_;) {
      Head head;
      std::memcpy(&head, &memory_[at], sizeof head);
      const size_t kept_bytes = std::min<size_t>(head.key_bytes, SampledRequest::kKeyBytesKept);
      at += sizeof head;
      visit(SampledRequest{
          .hash = head.hash, .key = {&memory_[at], kept_bytes}, .key_bytes = head.key_bytes, .kind = head.kind});
      at += kept_bytes;
    }
    used_ = 0;
  }

  // How many requests to pass over before the next one is drawn: 0..2 × mean − 1, all as likely, so that no loop of
  // a program keeps step.
  [[nodiscard]] uint32_t next_gap(uint32_t mean) {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>((random_ >> 32) * (2 * mean) >> 32);
  }
  [[nodiscard]] bool is_seeded() const { return random_ != 0; }
  void seed(uint64_t seed) { random_ = seed | 1; }

 private:
  struct Head {
    uint64_t hash;
    uint16_t key_bytes;
    RequestKind kind;
  };

  uint64_t random_ = 0;
  uint16_t used_ = 0;
  std::array<char, 1024 - 16> memory_;
};
static_assert(sizeof(SampleRing) == 1024);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_HOT_KEYS_SAMPLE_RING_H_
