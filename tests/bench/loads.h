// The rows of cache_bench: what is asked of each contender, and the contenders filled and ready to be asked it.
#ifndef LARDER_TESTS_BENCH_LOADS_H_
#define LARDER_TESTS_BENCH_LOADS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace larder::bench {

inline constexpr size_t kKeyBytes = 24;
inline constexpr size_t kBatch = 32;

// The requests of one row. Keys are uniformly random, except for the sets of a load that evicts: they go through
// all keys in turn, twice as many as fit, so that most of them insert, and evict.
struct Load {
  std::string title;
  std::vector<size_t> threads;               // how many at a time, one number after the other
  std::vector<std::string_view> contenders;  // with one thread, the first is the peer of the others
  size_t items = 0;                          // before the clock runs
  size_t limit_bytes = 0;                    // of those who evict
  size_t operations = 0;                     // a round, of all threads
  size_t value_bytes = 100;
  size_t set_one_in = 0;    // 1: sets only; 0: gets only
  bool is_batched = false;  // 32 keys at a time, for those who can
  bool is_hot = false;      // all for one key
  bool evicts = false;
};

// The loads of the bench, with about so many items.
std::vector<Load> all_loads(size_t items);

// Of a contender, by name.
bool evicts(std::string_view contender);

// A contender, filled; nobody else's memory lies among its own.
class Work {
 public:
  virtual ~Work() = default;
  // Does operations first..last-1, counted from when the contender was filled. For one caller a thread.
  virtual void run(size_t first, size_t last) = 0;
};

// The contenders of a load, by name; they share the requests. `names` tells which, and in which order.
std::vector<std::unique_ptr<Work>> fill(const Load& load, const std::vector<std::string_view>& names);

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_LOADS_H_
