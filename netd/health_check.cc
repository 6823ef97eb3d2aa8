#include "netd/health_check.h"

#include <fmt/format.h>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "netd/reply_words.h"
#include "netd/start_error.h"

namespace netd {
namespace {

using Protocol = asio::generic::stream_protocol;

constexpr std::chrono::seconds kWait(1);
constexpr std::string_view kQuestion = "version\r\n";
constexpr size_t kAnswerBytesMax = 256;

struct Place {
  std::string name;
  Protocol::endpoint endpoint;
};

void add_tcp_places(const ListenAddress& address, const Options& options, std::vector<Place>& places) {
  const std::string port = fmt::format("{}", address.port.value_or(options.port));
  asio::io_context io;
  std::error_code error;
  // Without a name: where connections go that are meant for this machine.
  for (const auto& found :
       asio::ip::tcp::resolver(io).resolve(address.host == "*" ? std::string() : address.host, port, error)) {
    places.push_back({fmt::format("{} port {}", found.endpoint().address().to_string(), port), found.endpoint()});
  }
  if (error) throw StartError(fmt::format("{}: {}", address.host, error.message()));
}

std::vector<Place> places_of(const Options& options) {
  std::vector<Place> places;
  if (!options.unix_socket.empty()) {
    places.push_back({options.unix_socket, asio::local::stream_protocol::endpoint(options.unix_socket)});
    return places;
  }
  if (options.port == kAnyPort) {
    throw StartError(fmt::format("{}: '-1' does not tell which port to ask", flag_name(options, 'p')));
  }
  for (const ListenAddress& address : options.listen_addresses) add_tcp_places(address, options, places);
  if (places.empty()) add_tcp_places({"*", {}}, options, places);
  return places;
}

// The first line that the server sends, or what came in its way.
std::string ask(const Place& place, std::chrono::steady_clock::time_point deadline) {
  asio::io_context io;
  Protocol::socket socket(io);
  std::string answer;
  std::error_code error = asio::error::timed_out;
  const auto read = [&](const std::error_code& read_error, size_t) { error = read_error; };
  const auto written = [&](const std::error_code& write_error, size_t) {
    if (write_error) return read(write_error, 0);
    asio::async_read_until(socket, asio::dynamic_buffer(answer, kAnswerBytesMax), '\n', read);
  };
  socket.async_connect(place.endpoint, [&](const std::error_code& connect_error) {
    if (connect_error) return read(connect_error, 0);
    asio::async_write(socket, asio::buffer(kQuestion), written);
  });
  io.run_until(deadline);
  return error ? error.message() : answer.substr(0, answer.find('\r'));
}

}  // namespace

void check_health(const Options& options) {
  constexpr std::string_view kVersion = "VERSION ";
  const auto deadline = std::chrono::steady_clock::now() + kWait;
  std::string faults;
  for (const Place& place : places_of(options)) {
    const std::string answer = ask(place, deadline);
    // Who has to say a password first is answered, too.
    if (answer.starts_with(kVersion) || answer + "\r\n" == kErrorUnauthenticated) return;
    faults += fmt::format("{}{}: {}", faults.empty() ? "" : "; ", place.name, answer);
  }
  throw StartError("no answer from " + faults);
}

}  // namespace netd
