// The seed of a random test: printed, and given back with LARDER_SEED.
#ifndef LARDER_TESTS_MODEL_RANDOM_H_
#define LARDER_TESTS_MODEL_RANDOM_H_

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace larder::model {

inline uint64_t seed_of_this_run() {
  const char* const given = std::getenv("LARDER_SEED");
  const uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  std::cout << "LARDER_SEED=" << seed << std::endl;
  return seed;
}

// How many times longer than usual to run: LARDER_ROUNDS.
inline uint64_t rounds_of_this_run() {
  const char* const given = std::getenv("LARDER_ROUNDS");
  return given != nullptr ? std::stoull(given) : 1;
}

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // 0..bound-1
  uint64_t below(uint64_t bound) { return engine_() % bound; }
  bool one_in(uint64_t bound) { return below(bound) == 0; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace larder::model

#endif  // LARDER_TESTS_MODEL_RANDOM_H_
