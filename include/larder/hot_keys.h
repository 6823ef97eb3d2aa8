// Which keys are asked for most. For operators: a key with a large share of all requests loads one server, and one
// that is written as often as it is read gains nothing from a cache.
//
// The cache looks at one request in 128 (of the first ones at more), chosen at random, and counts their keys in at
// most 64 KiB. Old counts fade: half of the result is about the last million requests or so. A get takes 0.5 to
// 2 ns longer for it. Options::hot_keys turns it off, and below a limit of 8 MiB it is.
//
//   for (const larder::HotKey& key : larder::hot_keys(*cache, 10)) {
//     fmt::print("{} {:.2f} % ± {:.2f}\n", key.key, 100 * key.share, 100 * key.error);
//   }
#ifndef LARDER_HOT_KEYS_H_
#define LARDER_HOT_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "larder/api.h"
#include "larder/cache.h"

namespace larder {

// A key, and its part in the requests.
struct HotKey {
  std::string key;          // its first 250 bytes
  size_t key_bytes = 0;     // the length of the whole key
  uint64_t key_hash = 0;    // tells keys apart without showing them; differs from cache to cache, but for one seed
  double share = 0;         // of all requests, 0..1
  double reads_share = 0;   // the part of it that are gets
  double writes_share = 0;  // the rest: stores, counting, touches and erasures, whether they change anything or not
  // With a probability of 95 % the true share is no further from `share` than this: of chance, and of what was
  // forgotten of the key while it was rare.
  double error = 0;
};

// The `n` keys with the largest shares, the largest first. Fewer, if fewer were seen three times or more; there are
// never more than 128, or 32 with a limit of 8 MiB. What other threads have done lately, up to three thousand
// requests each, may not be in it. Takes a lock that no operation waits for. Some microseconds.
[[nodiscard]] LARDER_API std::vector<HotKey> hot_keys(const Cache& cache, size_t n);

}  // namespace larder

#endif  // LARDER_HOT_KEYS_H_
