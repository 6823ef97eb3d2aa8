// Tags beside items without them, and beside a list of keys for each tag: a part of layer_bench.
#ifndef LARDER_TESTS_BENCH_TAG_LAYER_H_
#define LARDER_TESTS_BENCH_TAG_LAYER_H_

#include <cstddef>
#include <string>
#include <vector>

namespace larder::bench {

// `keys`: those of all requests, of `items` different ones.
void compare_tags(const std::vector<std::string>& keys, size_t items, size_t rounds);

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_TAG_LAYER_H_
