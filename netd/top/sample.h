// What a memcached or netd tells of itself at a moment.
#ifndef NETD_TOP_SAMPLE_H_
#define NETD_TOP_SAMPLE_H_

#include <chrono>
#include <string>
#include <vector>

#include "netd/server_place.h"
#include "netd/stat_lines.h"

namespace netd::top {

struct Sample {
  std::chrono::steady_clock::time_point when;
  StatLines general;
  ClassStats classes;
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
