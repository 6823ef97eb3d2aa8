// A client that keeps to the protocol, and knows what it has to be answered: nobody else changes its keys, so that
// whatever is found under one of them is what it has stored last. An item may always be gone (evicted, flushed),
// but never be another, an older or a damaged one, nor outlive its expiry.
#ifndef LARDER_TESTS_SOAK_GOOD_CLIENT_H_
#define LARDER_TESTS_SOAK_GOOD_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "connection.h"
#include "load.h"

namespace larder::soak {

class GoodClient {
 public:
  GoodClient(Load& load, uint64_t number) : load_(load), number_(number), random_(number) {}

  // Until the load is over.
  void run();

 private:
  // An item as it is if it is still there; without one the key is known to hold nothing.
  struct Entry {
    std::string value = {};  // of texts and counters; of others it is made of the version
    uint64_t version = 0;
    size_t value_bytes = 0;
    uint32_t flags = 0;
    uint64_t cas = 0;  // 0: not known
    bool is_stale = false;
    Clock::time_point end = Clock::time_point::max();
  };
  struct Key {
    std::string text;
    uint64_t versions = 0;  // given so far
    std::optional<Entry> entry = {};
  };
  using Check = std::function<void()>;

  void begin();
  void ask_and_check();
  void connect();
  void batch();
  void add_request();
  void add_plain();
  void add_text();
  void add_counter();
  void add_foreign();
  void add_store(Key& key);
  void add_get(Key& key);
  void add_multi_get();
  void add_meta_get(Key& key);
  void add_meta_store(Key& key);
  void add_delete(Key& key);
  void add_touch(Key& key);
  void add_silent(Key& key);

  void ask(std::string_view request, Check check);
  [[nodiscard]] Key* unused_key(std::vector<Key>& keys);
  [[nodiscard]] Entry next_entry(Key& key);
  [[nodiscard]] std::string value_of_entry(const Key& key, const Entry& entry) const;
  [[nodiscard]] size_t any_size();
  [[nodiscard]] uint32_t any_ttl_s();
  void set_ttl(Entry& entry, uint32_t ttl_s) const;

  void check_stored(Key& key, std::string_view line, const Entry& entry, std::string_view stored);
  void check_item(Key& key, std::string_view data, uint32_t flags, std::optional<uint64_t> cas);
  void check_values(const std::vector<Key*>& keys);
  void require(bool holds, const Key& key, std::string_view what);
  bool is_for_memory(std::string_view line);

  uint64_t below(uint64_t bound) { return random_() % bound; }
  bool one_in(uint64_t bound) { return below(bound) == 0; }

  Load& load_;
  uint64_t number_;
  std::mt19937_64 random_;
  std::unique_ptr<Connection> connection_;
  std::vector<Key> plain_;
  std::vector<Key> texts_;
  std::vector<Key> counters_;
  std::unordered_map<std::string, uint64_t> foreign_versions_;  // seen
  std::string requests_;
  std::vector<Check> checks_;
  std::unordered_set<const Key*> used_;  // in this batch: each key once
  Clock::time_point sent_;
  bench::Histogram waits_;
};

}  // namespace larder::soak

#endif  // LARDER_TESTS_SOAK_GOOD_CLIENT_H_
