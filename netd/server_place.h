// Where a running server can be asked, and how.
#ifndef NETD_SERVER_PLACE_H_
#define NETD_SERVER_PLACE_H_

#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "netd/options.h"

namespace netd {

struct ServerPlace {
  std::string name;  // for messages: "127.0.0.1 port 11211", "/path"
  asio::generic::stream_protocol::endpoint endpoint;
};

// The places where a server with these options listens: its UNIX socket if it has one, otherwise its TCP addresses.
// Throws StartError.
[[nodiscard]] std::vector<ServerPlace> places_of(const Options& options);

// A connection to a server.
class TextClient {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Throws std::system_error.
  TextClient(const ServerPlace& place, Deadline deadline);

  // What the server answers, up to and including the first line that starts with one of `ends`. Throws
  // std::system_error, also when the deadline passes.
  [[nodiscard]] std::string ask(std::string_view question, const std::vector<std::string_view>& ends,
                                Deadline deadline);

 private:
  void run_until(Deadline deadline, std::error_code& error);

  asio::io_context io_;
  asio::generic::stream_protocol::socket socket_{io_};
};

}  // namespace netd

#endif  // NETD_SERVER_PLACE_H_
