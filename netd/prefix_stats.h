// Statistics per key prefix (-D, `stats detail`): requests for the keys of each prefix, the part before the first
// delimiter. Keys without a delimiter are not counted.
//
// Each worker has its own table, so that workers do not wait for each other; `stats detail dump` adds them up. A
// table holds kPrefixesMax prefixes, or as many as fit into its share of memory; later ones are not counted.
#ifndef NETD_PREFIX_STATS_H_
#define NETD_PREFIX_STATS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/mutex.h"
#include "netd/connection_memory.h"

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

  // A table that takes at most `bytes_max` of `memory`, which must outlive it.
  PrefixStats(char delimiter, ConnectionMemory& memory, size_t bytes_max)
      : delimiter_(delimiter), memory_(memory), bytes_max_(bytes_max) {}
  ~PrefixStats() { reset(); }
  PrefixStats(const PrefixStats&) = delete;
  PrefixStats& operator=(const PrefixStats&) = delete;

  // All thread-safe.
  void count_get(std::string_view key, bool hit);
  void count_set(std::string_view key);
  void count_delete(std::string_view key);
  // Adds up at most `count` prefixes, starting after `after`. Returns the last of them, or nothing if there are no
  // more.
  std::optional<std::string> add_some_to(Table& sum, const std::optional<std::string>& after, size_t count) const;
  void reset();

 private:
  [[nodiscard]] PrefixCounts* counts_of(std::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const char delimiter_;
  ConnectionMemory& memory_;
  const size_t bytes_max_;
  mutable larder::internal::Mutex mutex_;
  Table table_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace netd

#endif  // NETD_PREFIX_STATS_H_
