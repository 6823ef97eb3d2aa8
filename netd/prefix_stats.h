// Statistics per key prefix (-D, `stats detail`): what is asked about the keys of each prefix, the part before the
// first delimiter. Keys without one are not counted.
//
// One table a worker, so that workers do not wait for each other; `stats detail dump` adds them up. A table holds
// kPrefixesMax prefixes; those that come later are not counted.
#ifndef NETD_PREFIX_STATS_H_
#define NETD_PREFIX_STATS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "larder/internal/mutex.h"

namespace netd {

struct PrefixCounts {
  uint64_t gets = 0;
  uint64_t hits = 0;
  uint64_t sets = 0;
  uint64_t deletes = 0;  // attempts
};

class PrefixStats {
 public:
  static constexpr size_t kPrefixesMax = 4096;

  using Table = std::map<std::string, PrefixCounts, std::less<>>;

  explicit PrefixStats(char delimiter) : delimiter_(delimiter) {}

  // All thread-safe.
  void count_get(std::string_view key, bool hit);
  void count_set(std::string_view key);
  void count_delete(std::string_view key);
  void add_to(Table& sum) const;
  void reset();

 private:
  [[nodiscard]] PrefixCounts* counts_of(std::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const char delimiter_;
  mutable larder::internal::Mutex mutex_;
  Table table_ ABSL_GUARDED_BY(mutex_);
};

// PREFIX <prefix> get <n> hit <n> set <n> del <n>⏎ for each, in the order of prefixes, and END⏎.
[[nodiscard]] std::string prefix_text(const PrefixStats::Table& table);

}  // namespace netd

#endif  // NETD_PREFIX_STATS_H_
