// How much memory a cache needs: what it would have missed with less, or with more. For operators.
//
// The cache follows a sample of its keys, chosen by hash, through five miniatures of itself: for a quarter, half,
// once, twice and four times its memory limit. Each runs the same policy as the cache. This costs one comparison an
// operation, and at most 1/128 of the memory limit; Options::curve turns it off, and below a limit of 8 MiB it is.
//
//   larder::MissRatioCurve curve = larder::miss_ratio_curve(*cache);
//   fmt::print("{}\n", larder::to_string(curve));
//
// prints, for example:
//
//   Over the last 41 minutes (2.1 million gets) 21.3 % missed. A cache of 2 GiB would have missed 16.4 % ± 0.8, …
#ifndef LARDER_SIZING_H_
#define LARDER_SIZING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "larder/api.h"
#include "larder/cache.h"

namespace larder {

// How far a miss ratio is known.
enum class MissRatioState : uint8_t {
  kKnown,
  kUncertain,  // the sample and what the cache counted differ by more than the error allows for
  kTooFew,     // fewer than 200 gets of the sample missed in the time that the curve is about
  kNeverFull,  // a cache of this size has never been full yet
  kOff,        // no curve: Options::curve, the limit is below 8 MiB or too low for so many
               // namespaces, or eviction is off
};
[[nodiscard]] LARDER_API std::string_view to_string(MissRatioState state);

// What a cache of one size would have missed, had it been this cache all the time.
struct MissRatio {
  double factor = 1;                // of the present memory limit
  uint64_t memory_limit_bytes = 0;  // the limit of that size
  MissRatioState state = MissRatioState::kOff;
  // Of kKnown and kUncertain: the share of gets that would have missed, 0..1. With a probability of 95 %, and if
  // it is kKnown, the truth is no further away than `error`.
  double miss_ratio = 0;
  double error = 0;

  // Whether something is known.
  [[nodiscard]] bool has_value() const {
    return state == MissRatioState::kKnown || state == MissRatioState::kUncertain;
  }
};

// Misses by memory limit. All numbers are about the same time, which ends now: what is further back than one
// turnover, the time in which as many bytes are stored as the cache holds, counts less and less; after a change of
// traffic, what is further back than a quarter of that.
struct MissRatioCurve {
  static constexpr size_t kSizes = 5;
  // For 1/4, 1/2, 1, 2 and 4 × the limit.
  std::array<MissRatio, kSizes> sizes;

  double miss_ratio = 0;   // as counted: of the cache itself
  double first_ratio = 0;  // the part of it that no size would spare: of keys not asked for before, or not for long
  double gets = 0;         // how many gets this is about
  double seconds = 0;      // how long they took
  double turnovers = 0;    // how much was stored in that time, × what the cache holds
  double sampled_share = 0;  // of the keys of items that are not longer than the mean
};

// That of all keys. Takes a lock that no operation waits for. Some microseconds.
[[nodiscard]] LARDER_API MissRatioCurve miss_ratio_curve(const Cache& cache);

// The same by namespace: what its gets would have missed if the whole cache had been smaller or larger. Element i
// belongs to Options::namespaces[i], the last one to all other keys. Says nothing about other limits of the
// namespace's own (Namespace::item_bytes_limit): those are not part of the miniatures.
[[nodiscard]] LARDER_API std::vector<MissRatioCurve> namespace_miss_ratio_curves(const Cache& cache);

// In plain English, in one or two sentences.
[[nodiscard]] LARDER_API std::string to_string(const MissRatioCurve& curve);

// The memory limit that would have missed no more than a share of the gets.
struct SizeAdvice {
  // It lies between these; only one is there if it lies beyond what the curve is about, none if nothing is known.
  std::optional<uint64_t> more_than_bytes = {};
  std::optional<uint64_t> at_most_bytes = {};
  std::string text = {};  // the same in plain English
};

// What the curve says about a target, 0..1; as exact as the curve, which knows five sizes.
[[nodiscard]] LARDER_API SizeAdvice advise(const MissRatioCurve& curve, double miss_ratio_max);

}  // namespace larder

#endif  // LARDER_SIZING_H_
