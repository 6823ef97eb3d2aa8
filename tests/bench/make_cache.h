// The cache that a bench measures.
#ifndef LARDER_TESTS_BENCH_MAKE_CACHE_H_
#define LARDER_TESTS_BENCH_MAKE_CACHE_H_

#include <memory>
#include <utility>

#include "larder/cache.h"
#include "program.h"

namespace larder::bench {

inline std::unique_ptr<Cache> make_cache(const Options& options) {
  auto cache = Cache::create(options);
  if (!cache.ok()) fail(cache.status().ToString());
  return *std::move(cache);
}

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_MAKE_CACHE_H_
