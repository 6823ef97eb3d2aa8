// What a memcached or netd tells of itself at a moment.
#ifndef NETD_TOP_SAMPLE_H_
#define NETD_TOP_SAMPLE_H_

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "netd/server_place.h"

namespace netd::top {

using Table = std::map<std::string, std::string, std::less<>>;  // statistics by name

// Nothing is 0.
[[nodiscard]] double number(const Table& table, std::string_view name);

struct Sample {
  std::chrono::steady_clock::time_point when;
  Table general;
  std::map<int, Table> classes;  // what `stats items` and `stats slabs` say of a class
  struct HotKey {
    std::string name;  // as the server writes it
    double share;      // of all requests
  };
  std::vector<HotKey> hot_keys;  // none of a memcached
};

// Throws StartError if the server wants a password first, and std::system_error if it does not answer.
[[nodiscard]] Sample take_sample(TextClient& client, TextClient::Deadline deadline);

}  // namespace netd::top

#endif  // NETD_TOP_SAMPLE_H_
