// Which keys of a sample were met before: a Bloom filter in two halves, of which the older one is cleared when the
// newer one is full. It takes one key in a hundred for seen that was not.
#ifndef LARDER_INTERNAL_POLICY_SEEN_KEYS_H_
#define LARDER_INTERNAL_POLICY_SEEN_KEYS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace larder::internal {

// For one thread at a time. Remembers the last keys_per_half to 2 · keys_per_half different keys.
template <size_t keys_per_half>
class SeenKeys {
 public:
  // Remembers the key. Whether it was not known.
  bool add(uint64_t hash) {
    const bool is_known = has(newer_, hash);
    const bool is_new = !is_known && !has(older_, hash);
    if (is_known) return false;
    if (++count_ > keys_per_half) {
      std::swap(newer_, older_);
      newer_ = {};
      count_ = 1;
    }
    for_each_bit(hash, [&](size_t bit) { newer_[bit / 64] |= uint64_t{1} << bit % 64; });
    return is_new;
  }

  [[nodiscard]] bool knows(uint64_t hash) const { return has(newer_, hash) || has(older_, hash); }

 private:
  static constexpr size_t kBits = 16 * keys_per_half;
  using Half = std::array<uint64_t, kBits / 64>;

  // Of keys in a sample, the low bits of the hash say little: they are 0 (eviction_sample.h), or as a number small
  // (curve/sample.h). The upper bits of the product depend on the others, too.
  template <class Visit>
  static void for_each_bit(uint64_t hash, Visit&& visit) {
    const uint64_t mixed = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    for (const int shift : {48, 32, 16}) visit(static_cast<size_t>(mixed >> shift) % kBits);
  }
  static bool has(const Half& half, uint64_t hash) {
    bool has_all = true;
    for_each_bit(hash, [&](size_t bit) { has_all = has_all && (half[bit / 64] >> bit % 64 & 1) != 0; });
    return has_all;
  }

  Half newer_{};
  Half older_{};
  size_t count_ = 0;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_SEEN_KEYS_H_
