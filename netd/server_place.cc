#include "netd/server_place.h"

#include <fmt/format.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/write.hpp>
#include <system_error>

#include "netd/start_error.h"

namespace netd {
namespace {

// No answer that is asked for is longer.
constexpr size_t kAnswerBytesMax = size_t{4} << 20;

void add_tcp_places(const ListenAddress& address, const Options& options, std::vector<ServerPlace>& places) {
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

// Whether a whole line of `text` starts with one of `ends`.
bool has_end(std::string_view text, const std::vector<std::string_view>& ends) {
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', begin)) {
    for (const std::string_view wanted : ends) {
      if (text.substr(begin, end - begin).starts_with(wanted)) return true;
    }
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::vector<ServerPlace> places_of(const Options& options) {
  std::vector<ServerPlace> places;
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

TextClient::TextClient(const ServerPlace& place, Deadline deadline) {
  std::error_code error = asio::error::would_block;
  socket_.async_connect(place.endpoint, [&](const std::error_code& result) { error = result; });
  run_until(deadline, error);
}

std::string TextClient::ask(std::string_view question, const std::vector<std::string_view>& ends,
                            Deadline deadline) {
  std::error_code error = asio::error::would_block;
  asio::async_write(socket_, asio::buffer(question.data(), question.size()),
                    [&](const std::error_code& result, size_t) { error = result; });
  run_until(deadline, error);
  std::string answer;
  while (!has_end(answer, ends)) {
    if (answer.size() > kAnswerBytesMax) throw std::system_error(asio::error::message_size);
    std::array<char, 16 << 10> part;
    size_t size = 0;
    error = asio::error::would_block;
    socket_.async_read_some(asio::buffer(part), [&](const std::error_code& result, size_t read) {
      error = result;
      size = read;
    });
    run_until(deadline, error);
    answer.append(part.data(), size);
  }
  return answer;
}

void TextClient::run_until(Deadline deadline, std::error_code& error) {
  io_.restart();
  io_.run_until(deadline);
  if (error == asio::error::would_block) {
    // What is under way refers to what is about to go.
    std::error_code ignored;
    socket_.close(ignored);
    io_.restart();
    io_.run();
    throw std::system_error(asio::error::timed_out);
  }
  if (error) throw std::system_error(error);
}

}  // namespace netd
