// What the server itself counts; the rest of `stats` comes from the cache. Each worker and the acceptor have their
// own Counters, so that no two threads write to one cache line; ServerState adds them up.
#ifndef NETD_COUNTERS_H_
#define NETD_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace netd {

enum class Counter : uint8_t {
  kTotalConnections,
  kRejectedConnections,
  kListenDisabled,
  kListenDisabledUs,
  kIdleKicks,
  kSendTimeouts,
  kRequestTimeouts,
  kMemoryKicks,  // connections closed because others needed their memory
  kYields,
  kBytesRead,
  kBytesWritten,
  kMallocFails,
  kFlushRefused,  // flush_all under -F; memcached counts these in cmd_flush, too
  kMetaNoops,
  kAuthentications,  // attempts
  kAuthenticationErrors,
  kMetaGets,
  kMetaStores,
  kMetaDeletes,
  kMetaArithmetics,
  kMetaDebugs,
  kStaleServed,  // by mg
  kRefreshWins,  // mg that was told to renew the item
  kCount,        // the number of counters
};

class alignas(64) Counters {
 public:
  // Relaxed throughout: statistics; no other data depends on them.
  void add(Counter counter, uint64_t count = 1) {
    values_[index(counter)].fetch_add(count, std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t get(Counter counter) const {
    return values_[index(counter)].load(std::memory_order_relaxed);
  }
  void reset() {
    for (std::atomic<uint64_t>& value : values_) value.store(0, std::memory_order_relaxed);
  }

 private:
  static constexpr size_t index(Counter counter) { return static_cast<size_t>(counter); }

  std::array<std::atomic<uint64_t>, static_cast<size_t>(Counter::kCount)> values_{};
};

}  // namespace netd

#endif  // NETD_COUNTERS_H_
