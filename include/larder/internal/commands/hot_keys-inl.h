#ifndef LARDER_INTERNAL_COMMANDS_HOT_KEYS_INL_H_
#define LARDER_INTERNAL_COMMANDS_HOT_KEYS_INL_H_

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "larder/api.h"
#include "larder/hot_keys.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/internal/engine/engine.h"
#include "larder/internal/hot_keys/hot_keys.h"

namespace larder::internal {

// How far a share of `total` random requests may be from the truth with 95 %: Wilson's, which is not 0 for a share
// of 0.
inline double chance_error(double share, double total) {
  constexpr double kStandardErrors = 1.96;
  constexpr double kSquare = kStandardErrors * kStandardErrors;
  return (kStandardErrors * std::sqrt(share * (1 - share) / total + kSquare / (4 * total * total)) +
          kSquare / (2 * total)) /
         (1 + kSquare / total);
}

}  // namespace larder::internal

namespace larder {

LARDER_INLINE std::vector<HotKey> hot_keys(const Cache& cache, size_t n) {
  internal::HotKeys::Result result = internal::CacheAccess::engine(cache).hot_keys().result(n);
  std::vector<HotKey> keys;
  for (internal::Summary::Count& count : result.counts) {
    const double counted = count.reads + count.writes;
    HotKey key{.key = std::move(count.key), .key_bytes = count.key_bytes, .key_hash = count.hash};
    // In the middle of the bounds, which halving rounds.
    key.share = std::min(1.0, (counted + count.missing / 2) / result.total);
    key.reads_share = key.share * count.reads / counted;
    key.writes_share = key.share * count.writes / counted;
    key.error = internal::chance_error(key.share, result.independent_total) + count.missing / 2 / result.total;
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_HOT_KEYS_INL_H_
