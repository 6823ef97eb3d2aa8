// Live objects beside items of bytes, and beside what programs write by hand: a part of layer_bench.
#ifndef LARDER_TESTS_BENCH_OBJECT_LAYER_H_
#define LARDER_TESTS_BENCH_OBJECT_LAYER_H_

#include <cstddef>
#include <string>
#include <vector>

namespace larder::bench {

// `keys`: those of all requests, of `items` different ones.
void compare_objects(const std::vector<std::string>& keys, size_t items, size_t rounds);

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_OBJECT_LAYER_H_
