// How exact the miss-ratio curve is (larder/sizing.h), and what it costs.
//
//   curve_bench TRACE OBJECTS sizes|equal             how exact
//   curve_bench TRACE,TRACE OBJECTS sizes|equal       how soon it is exact again when traffic changes
//   curve_bench cost [items] [rounds]                 what it costs; 100000 and 5
//
// The first replays the trace through a cache that holds about OBJECTS objects and follows its curve, and through
// real caches of a quarter, half, twice and four times its limit. `sizes`: objects as large as recorded, with their
// expiry; `equal`: all alike. Small caches are made larger, and all objects with them (trace_replay.cc). Again and
// again each size's estimate is compared with what the real cache of that size has missed, request by request and
// weighed as the estimate is: less the longer ago.
//
// The second does the same for two traces one after the other, whose keys differ, for the time after the first: a
// turnover is as many stores of missed objects as there are objects.
//
// The third times gets, and sets that evict, with the curve off, and with samples of 1/1000 and 1/256 of the keys;
// and gets of one hot key by one thread and by two, off and in the sample.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "compare.h"
#include "fmt/format.h"
#include "larder/cache.h"
#include "larder/internal/commands/sizing-inl.h"
#include "larder/sizing.h"
#include "make_cache.h"
#include "program.h"
#include "trace.h"

namespace larder::bench {
namespace {

constexpr size_t kSizes = MissRatioCurve::kSizes;
constexpr std::array<size_t, kSizes> kQuarters = {1, 2, 4, 8, 16};
constexpr size_t kOwn = 2;
constexpr size_t kChecks = 40;          // of the curve in one replay
constexpr size_t kObjectsPerCheck = 2;  // of two traces: there are so many objects for each get between two checks

struct Shape {
  size_t object_bytes = 0;  // 0: as recorded, times scale
  size_t scale = 1;

  [[nodiscard]] size_t value_bytes(const Request& request, size_t key_bytes) const {
    constexpr size_t kHeaderBytes = 12;
    const size_t others = key_bytes + kHeaderBytes;
    const size_t bytes = object_bytes != 0 ? object_bytes : scale * (request.key_bytes + request.value_bytes);
    return bytes > others ? bytes - others : 0;
  }
};

// Whether each get of the trace missed; and what the curve said, every so many gets: of late, and of all gets.
struct Replay {
  std::vector<bool> misses;
  std::vector<MissRatioCurve> curves;
  std::vector<MissRatioCurve> whole_curves;
};

MissRatioCurve whole_curve(const Cache& cache) {
  const std::optional<internal::Curve::Result> result = internal::CacheAccess::engine(cache).curve().result();
  if (!result) return {};
  return internal::curve_of(*result, result->all_sums, result->all_sums.all(), cache.stats().memory_limit_bytes);
}

Replay replay(const std::vector<Request>& trace, const Shape& shape, size_t limit_bytes,
              size_t gets_between_checks) {
  ManualClock clock;
  Options options;
  options.memory_limit_bytes = limit_bytes;
  options.item_bytes_max = std::min(limit_bytes / 4, kItemBytesMaxMax);
  options.clock = &clock;
  options.seed = 1;
  options.curve = gets_between_checks != 0;
  options.curve_share_max = 1;
  const std::unique_ptr<Cache> cache = make_cache(options);
  size_t value_bytes_max = 0;
  for (const Request& request : trace) value_bytes_max = std::max(value_bytes_max, shape.value_bytes(request, 0));
  const std::string filling(value_bytes_max, 'v');
  Replay result;
  for (const Request& request : trace) {
    clock.advance_ms(int64_t{request.time_s} * 1000 - clock.monotonic_ms());
    const std::string key = request.key();
    if (request.kind == Request::Kind::kErase) (void)cache->erase(key);
    if (request.kind == Request::Kind::kErase) continue;
    if (request.kind == Request::Kind::kGet) {
      const bool is_hit = cache->visit(key, [](const ItemView&) {});
      result.misses.push_back(!is_hit);
      if (gets_between_checks != 0 && result.misses.size() % gets_between_checks == 0) {
        result.curves.push_back(miss_ratio_curve(*cache));
        result.whole_curves.push_back(whole_curve(*cache));
      }
      if (is_hit) continue;
    }
    SetOptions set_options;
    if (request.ttl_s != 0 && shape.object_bytes == 0) set_options.expiry = std::chrono::seconds(request.ttl_s);
    (void)cache->set(key, std::string_view(filling).substr(0, shape.value_bytes(request, key.size())), set_options);
  }
  return result;
}

// Of the gets up to `end`, each counting for less the longer ago it was, so that all count for `gets` together.
double missed_of_late(const Replay& replay, size_t end, double gets) {
  const double kept = 1 - 1 / std::max(2.0, gets);
  double weight = 1;
  double sum = 0;
  double misses = 0;
  for (size_t i = end; i > 0 && weight > 1e-4; --i, weight *= kept) {
    sum += weight;
    if (replay.misses[i - 1]) misses += weight;
  }
  return misses / sum;
}

// Of the gets from `begin` to `end`.
double missed(const Replay& replay, size_t begin, size_t end) {
  const auto misses = std::count(replay.misses.begin() + static_cast<std::ptrdiff_t>(begin),
                                 replay.misses.begin() + static_cast<std::ptrdiff_t>(end), true);
  return static_cast<double>(misses) / static_cast<double>(end - begin);
}

// How far off estimates were.
class Errors {
 public:
  void add(const MissRatio& estimate, double truth) {
    const double error = std::abs(estimate.miss_ratio - truth);
    all_.push_back(error);
    if (estimate.factor >= 0.5 && estimate.factor <= 2) near_.push_back(error);
    covered_ += error <= estimate.error ? 1 : 0;
    widths_ += estimate.error;
  }
  void print(std::string_view title) const {
    if (all_.empty()) return fmt::print("  {}: none known\n", title);
    const auto count = static_cast<double>(all_.size());
    fmt::print("  {}: x1/2, x2 {}; all {}; covered {:.1f} %, width {:.4f}, {} estimates\n", title, text(near_),
               text(all_), 100 * static_cast<double>(covered_) / count, widths_ / count, all_.size());
  }

 private:
  static std::string text(const std::vector<double>& errors) {
    if (errors.empty()) return "-";
    const double sum = std::accumulate(errors.begin(), errors.end(), 0.0);
    return fmt::format("mean {:.4f} p95 {:.4f} max {:.4f}", sum / static_cast<double>(errors.size()),
                       quantile(errors, 0.95), quantile(errors, 1));
  }

  std::vector<double> near_, all_;
  size_t covered_ = 0;
  double widths_ = 0;
};

// What the curve says of late is compared with the truth.
void add_of_late(const MissRatioCurve& curve, const std::array<Replay, kSizes>& real, size_t end, Errors& errors) {
  for (size_t size = 0; size < kSizes; ++size) {
    const MissRatio& late = curve.sizes[size];
    if (size == kOwn || late.state != MissRatioState::kKnown) continue;
    errors.add(late, curve.miss_ratio * missed_of_late(real[size], end, curve.gets) /
                         missed_of_late(real[kOwn], end, curve.gets));
  }
}

// In each quarter of a turnover since the traffic changed.
void print_after_change(const std::array<Replay, kSizes>& real, size_t change, size_t between, size_t objects) {
  constexpr size_t kQuartersShown = 8;
  const Replay& own = real[kOwn];
  std::array<Errors, kQuartersShown> errors;
  for (size_t i = 0; i < own.curves.size(); ++i) {
    const size_t end = (i + 1) * between;
    if (end <= change) continue;
    const double turnovers =
        missed(own, change, end) * static_cast<double>(end - change) / static_cast<double>(objects);
    const auto quarter = static_cast<size_t>(4 * turnovers);
    if (quarter < kQuartersShown) add_of_late(own.curves[i], real, end, errors[quarter]);
  }
  for (size_t quarter = 0; quarter < kQuartersShown; ++quarter) {
    errors[quarter].print(fmt::format("{:.2f} turnovers after the change", static_cast<double>(quarter + 1) / 4));
  }
}

// One trace, or two with a comma between them: then `change` is how many gets the first has.
std::vector<Request> read_traces(const std::string& paths, size_t& change) {
  const size_t comma = paths.find(',');
  std::vector<Request> trace = read_trace(paths.substr(0, comma));
  change = 0;
  if (comma == std::string::npos) return trace;
  std::vector<Request> second = read_trace(paths.substr(comma + 1));
  if (trace.empty() || second.empty()) fail("no requests");
  change = static_cast<size_t>(std::ranges::count(trace, Request::Kind::kGet, &Request::kind));
  const auto number = std::ranges::max(trace, {}, &Request::number).number + 1;
  const auto time_s = trace.back().time_s;
  for (Request& request : second) {
    request.number += number;
    request.time_s += time_s;
    trace.push_back(request);
  }
  return trace;
}

void compare_with_truth(const std::string& path, size_t objects, bool are_equal) {
  size_t change = 0;
  const std::vector<Request> trace = read_traces(path, change);
  if (trace.empty()) fail("no requests");
  constexpr size_t kHeldBytesMin = size_t{32} << 20;
  Shape shape;
  double mean_bytes = 0;
  for (const Request& request : trace) {
    mean_bytes += static_cast<double>(request.key_bytes + request.value_bytes) / static_cast<double>(trace.size());
  }
  const size_t bytes = std::max<size_t>(are_equal ? 64 : static_cast<size_t>(mean_bytes), kHeldBytesMin / objects);
  if (are_equal) {
    shape.object_bytes = bytes;
  } else {
    shape.scale = std::max<size_t>(1, static_cast<size_t>(std::lround(static_cast<double>(bytes) / mean_bytes)));
  }
  const size_t limit_bytes = (bytes * objects * 11 / 10 + (size_t{1} << 20)) / 4096 * 4096;
  size_t gets = 0;
  for (const Request& request : trace) gets += request.kind == Request::Kind::kGet ? 1 : 0;
  const size_t between = change == 0 ? gets / kChecks : objects / kObjectsPerCheck;

  std::array<Replay, kSizes> real;
  for (size_t size = 0; size < kSizes; ++size) {
    real[size] = replay(trace, shape, limit_bytes / 4 * kQuarters[size], size == kOwn ? between : 0);
  }
  const Replay& own = real[kOwn];
  if (change != 0) {
    fmt::print("{}, {} objects, {}\n", path, objects, are_equal ? "equal" : "sizes");
    return print_after_change(real, change, between, objects);
  }
  Errors of_late;
  Errors of_all;
  std::array<size_t, kSizes> begins{};  // from when on a size's whole curve is known
  for (size_t i = 0; i < own.curves.size(); ++i) {
    const size_t end = (i + 1) * between;
    add_of_late(own.curves[i], real, end, of_late);
    for (size_t size = 0; size < kSizes; ++size) {
      if (size == kOwn) continue;
      const MissRatio& whole = own.whole_curves[i].sizes[size];
      if (begins[size] == 0 && whole.has_value()) begins[size] = end;
      if (whole.state != MissRatioState::kKnown || end < begins[size] + 4 * between) continue;
      of_all.add(whole, own.whole_curves[i].miss_ratio * missed(real[size], begins[size], end) /
                            missed(own, begins[size], end));
    }
  }
  const MissRatioCurve& last = own.whole_curves.back();
  fmt::print("{}, {} objects, {}, 1 in {:.0f} keys\n", path.substr(path.rfind('/') + 1), objects,
             are_equal ? "equal" : "sizes", 1 / last.sampled_share);
  of_all.print("all gets");
  of_late.print("of late ");
  fmt::print("  at the end:");
  for (size_t size = 0; size < kSizes; ++size) {
    const MissRatio& of = last.sizes[size];
    fmt::print("  x{} {:.4f} +- {:.4f} (true {:.4f})", of.factor, of.miss_ratio, of.error,
               last.miss_ratio * missed(real[size], begins[size], own.misses.size()) /
                   missed(own, begins[size], own.misses.size()));
  }
  fmt::print("\n");
}

// --- what it costs -----------------------------------------------------------------------------------------

struct Rate {
  std::string name;
  bool is_on;
  double share;
};

const std::vector<Rate> kRates = {{"off", false, 0}, {"1/1000", true, 0.001}, {"1/256", true, 1.0 / 256}};

std::vector<std::string> some_keys(size_t count) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i) keys.push_back(fmt::format("{:024}", i * 7919));
  return keys;
}

std::vector<std::unique_ptr<Cache>> caches_of(const std::vector<Rate>& rates, size_t limit_bytes,
                                              const std::vector<std::string>& keys) {
  std::vector<std::unique_ptr<Cache>> caches;
  const std::string value(100, 'v');
  for (const Rate& rate : rates) {
    caches.push_back(make_cache(
        {.memory_limit_bytes = limit_bytes, .seed = 42, .curve = rate.is_on, .curve_share_max = rate.share}));
    for (const std::string& key : keys) (void)caches.back()->set(key, value);
  }
  return caches;
}

void time_operations(size_t items, size_t rounds) {
  pin_to(0);
  const std::vector<std::string> keys = some_keys(items);
  const auto caches = caches_of(kRates, std::max(size_t{16} << 20, 400 * items), keys);
  const auto small = caches_of(kRates, std::max(size_t{8} << 20, 70 * items), keys);
  std::mt19937_64 random(42);
  constexpr size_t kGets = 2'000'000;
  constexpr size_t kBatch = 32;
  std::vector<std::string_view> wanted;
  while (wanted.size() < kGets) wanted.push_back(keys[random() % items]);
  const std::string value(100, 'v');
  const auto contenders = [&](const auto& of, auto&& run) {
    std::vector<Contender> result;
    for (size_t i = 0; i < kRates.size(); ++i) {
      result.push_back({kRates[i].name, [run, cache = of[i].get()] { run(*cache); }});
    }
    return result;
  };
  compare("get", rounds, kGets, contenders(caches, [&](Cache& cache) {
            std::string out;
            for (const std::string_view key : wanted) (void)cache.get(key, out);
          }));
  compare("get_multi of 32, a key", rounds, kGets, contenders(caches, [&](Cache& cache) {
            std::string out;
            for (size_t i = 0; i < kGets; i += kBatch) {
              cache.get_multi(std::span(wanted).subspan(i, kBatch),
                              [&](size_t, const ItemView& item) { out.assign(item.value); });
            }
          }));
  compare("set, overwriting", rounds, kGets, contenders(caches, [&](Cache& cache) {
            for (const std::string_view key : wanted) (void)cache.set(key, value);
          }));
  compare("get, then set if missing", rounds, kGets, contenders(small, [&](Cache& cache) {
            std::string out;
            for (const std::string_view key : wanted) {
              if (!cache.get(key, out)) (void)cache.set(key, value);
            }
          }));
}

void time_hot_key(size_t rounds) {
  // With one key, a share of 1 has it in the sample.
  const std::vector<Rate> rates = {{"off", false, 0}, {"in the sample", true, 1}};
  const std::vector<std::string> keys = some_keys(1);
  const auto caches = caches_of(rates, size_t{16} << 20, keys);
  constexpr size_t kGets = 20'000'000;
  for (const size_t threads : {size_t{1}, size_t{2}}) {
    std::vector<Contender> contenders;
    for (size_t i = 0; i < rates.size(); ++i) {
      contenders.push_back({rates[i].name, [&, cache = caches[i].get()] {
                              std::vector<std::thread> running;
                              for (size_t t = 0; t < threads; ++t) {
                                running.emplace_back([&, t] {
                                  pin_to(static_cast<int>(t));
                                  alignas(64) std::string out;
                                  for (size_t n = 0; n < kGets / threads; ++n) (void)cache->get(keys[0], out);
                                });
                              }
                              for (std::thread& thread : running) thread.join();
                            }});
    }
    compare(fmt::format("one hot key, {} thread{}", threads, threads > 1 ? "s" : ""), rounds, kGets, contenders);
  }
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  using namespace larder::bench;
  print_by_lines();
  if (argc >= 2 && std::string_view(argv[1]) == "cost") {
    const size_t rounds = number_argument(argc, argv, 3, 5);
    time_operations(number_argument(argc, argv, 2, 100'000), rounds);
    time_hot_key(rounds);
    return 0;
  }
  if (argc != 4) fail("usage: curve_bench TRACE[,TRACE] OBJECTS sizes|equal, or curve_bench cost [items] [rounds]");
  compare_with_truth(argv[1], std::strtoull(argv[2], nullptr, 10), std::string_view(argv[3]) == "equal");
}
