#include "netd/http/guard.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "netd/base64.h"

namespace netd::http {
namespace {

absl::string_view view(std::string_view text) { return {text.data(), text.size()}; }

bool is_same_name(std::string_view a, std::string_view b) { return absl::EqualsIgnoreCase(view(a), view(b)); }

// Without the port, and without the brackets of an IPv6 address; empty if it is no host.
std::string_view name_in(std::string_view host) {
  const bool is_bracketed = host.starts_with('[');
  const size_t end = std::min(host.find(is_bracketed ? ']' : ':'), host.size());
  std::string_view rest = host.substr(end);
  if (is_bracketed) {
    if (!rest.starts_with(']')) return {};
    rest.remove_prefix(1);
  }
  const bool has_port = rest.starts_with(':') && rest.find_first_not_of("0123456789", 1) == std::string_view::npos;
  if (!rest.empty() && !has_port) return {};
  return is_bracketed ? host.substr(1, end - 1) : host.substr(0, end);
}

bool is_address(std::string_view host) {
  const std::string text(host);
  in6_addr address;
  return inet_pton(AF_INET, text.c_str(), &address) == 1 || inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

}  // namespace

bool is_own_host(std::string_view host, const Options& options) {
  std::string_view name = name_in(host);
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name == "*") return false;
  if (is_address(name) || is_same_name(name, "localhost")) return true;
  const auto is_name = [name](std::string_view own) { return own == "*" || is_same_name(name, own); };
  return std::ranges::any_of(options.http_hosts, is_name) ||
         std::ranges::any_of(options.http_addresses,
                             [name](const ListenAddress& address) { return is_same_name(name, address.host); });
}

std::optional<Reply> refuse(const Request& request, const Options& options) {
  if (request.method != "GET" && request.method != "HEAD") {
    Reply reply = text_reply(405, "Nothing can be changed here: only GET and HEAD are allowed.\n");
    reply.allow = "GET, HEAD";
    return reply;
  }
  // A browser always names one.
  if (request.host.empty() || is_own_host(request.host, options)) return std::nullopt;
  return text_reply(421, "The host that this request names is not known; --http-host=<name> makes it known.\n");
}

Reply challenge_reply() {
  Reply reply = text_reply(401, "A user and a password of the server's file are needed.\n");
  reply.challenge = "Basic realm=\"netd\", charset=\"UTF-8\"";
  return reply;
}

std::optional<std::string> credentials(std::string_view authorization) {
  constexpr std::string_view kScheme = "basic ";
  if (!absl::StartsWithIgnoreCase(view(authorization), view(kScheme))) return std::nullopt;
  const size_t begin = std::min(authorization.find_first_not_of(' ', kScheme.size()), authorization.size());
  std::optional<std::string> text = base64_decode(authorization.substr(begin));
  if (!text) return std::nullopt;
  const size_t colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  (*text)[colon] = ' ';
  return text;
}

}  // namespace netd::http
