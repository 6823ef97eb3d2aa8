// The hash of a key, and the use of its bits.
//
//    63        s bits        22 bits                      31            0
//   |  stripe number  |        tag        |  …          |   fingerprint   |
//
// The stripe number and the tag select a bucket and tell its slots apart (index.h). The ghost uses the top bits to
// find its set, and the fingerprint within it (ghost.h). The hash is keyed by the cache's seed, so that nobody who
// chooses keys can aim at one bucket.
#ifndef LARDER_INTERNAL_BASE_HASH_H_
#define LARDER_INTERNAL_BASE_HASH_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace larder::internal {

[[nodiscard]] inline uint64_t hash_key(std::string_view key, uint64_t seed) {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

// The top `bits` bits of `hash`; `bits` is 0..32.
[[nodiscard]] constexpr uint32_t top_bits(uint64_t hash, int bits) {
  return bits == 0 ? 0 : static_cast<uint32_t>(hash >> (64 - bits));
}

[[nodiscard]] constexpr uint32_t fingerprint(uint64_t hash) { return static_cast<uint32_t>(hash); }

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_HASH_H_
