#include "netd/listen_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <system_error>

namespace netd {
namespace {

constexpr std::string_view kPrefixesWithoutEffect[] = {"notls:", "proto[ascii]:", "proto[negotiating]:"};

// Removes "tag[name]:", "tag_name_:" and what else changes nothing from the front of `rest`, and refuses what asks
// for more.
void strip_prefixes(const FlagValue& address, std::string_view& rest) {
  while (true) {
    const bool bracketed = rest.starts_with("tag[");
    if (bracketed || rest.starts_with("tag_")) {
      const size_t end = rest.find(bracketed ? "]:" : "_:", 4);
      if (end == std::string_view::npos) refuse(address, "has a tag without an end");
      rest.remove_prefix(end + 2);
    } else if (const auto* const prefix =
                   std::find_if(std::begin(kPrefixesWithoutEffect), std::end(kPrefixesWithoutEffect),
                                [rest](std::string_view text) { return rest.starts_with(text); });
               prefix != std::end(kPrefixesWithoutEffect)) {
      rest.remove_prefix(prefix->size());
    } else if (rest.starts_with("btls:") || rest.starts_with("mtls:")) {
      refuse(address, "asks for TLS, which is not supported");
    } else if (rest.starts_with("proto[")) {
      refuse(address, "asks for a protocol; netd always speaks the text protocol");
    } else {
      return;
    }
  }
}

int parse_port(const FlagValue& address, std::string_view text) {
  int port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || stop != text.data() + text.size() || port < kAnyPort || port > kPortMax ||
      port == 0) {
    refuse(address, "has no port from 1 to 65535");
  }
  return port;
}

ListenAddress parse_listen_address(const FlagValue& address) {
  std::string_view rest = address.text;
  strip_prefixes(address, rest);
  std::string_view host = rest;
  std::string_view port;
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) refuse(address, "has a '[' without a ']'");
    host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
  } else if (std::count(rest.begin(), rest.end(), ':') == 1) {  // more of them: an IPv6 address
    host = rest.substr(0, rest.find(':'));
    port = rest.substr(host.size());
  }
  if (host.empty()) refuse(address, "names no host");
  if (port.empty()) return {std::string(host), std::nullopt};
  if (port.front() != ':') refuse(address, "has something other than a port behind its ']'");
  return {std::string(host), parse_port(address, port.substr(1))};
}

}  // namespace

void add_listen_addresses(const FlagValue& given, std::vector<ListenAddress>& addresses) {
  std::string_view list = given.text;
  bool is_empty = true;
  while (!list.empty()) {
    const std::string_view text = list.substr(0, list.find_first_of(",;"));
    list.remove_prefix(std::min(text.size() + 1, list.size()));
    if (text.empty()) continue;
    is_empty = false;
    ListenAddress address = parse_listen_address({given.flag, text});
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(std::move(address));
    }
  }
  if (is_empty) refuse(given, "names no host");
}

}  // namespace netd
