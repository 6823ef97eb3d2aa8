#include "netd/http/guard.h"

#include <doctest/doctest.h>

#include "netd/base64.h"

namespace netd::http {
namespace {

TEST_CASE("a request names this machine by an address, as localhost, or by a name that was given") {
  Options options;
  options.http_addresses = {{"cache-1.example", {}}, {"*", {}}};
  options.http_hosts = {"metrics.example"};
  for (const char* const host :
       {"127.0.0.1", "127.0.0.1:8080", "10.1.2.3:80", "[::1]", "[::1]:8080", "[fe80::1]:8080", "localhost",
        "LocalHost:8080", "localhost.:8080", "cache-1.example", "Cache-1.Example:8080", "metrics.example"}) {
    CAPTURE(host);
    CHECK(is_own_host(host, options));
  }
  for (const char* const host :
       {"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example",
        "metrics.example.evil", "1.2.3", "[::1", "[evil.example]", ":8080", ".", "*", "", "[127.0.0.1]evil.example",
        "127.0.0.1:80@evil.example", "localhost:evil"}) {
    CAPTURE(host);
    CHECK_FALSE(is_own_host(host, options));
  }
}

TEST_CASE("any host is right if it is told so") {
  Options options;
  options.http_hosts = {"*"};
  CHECK(is_own_host("evil.example", options));
}

TEST_CASE("only GET and HEAD are allowed") {
  for (const char* const method : {"GET", "HEAD"}) {
    CHECK_FALSE(refuse({.method = method, .target = "/", .host = "localhost"}, {}));
  }
  for (const char* const method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "BREW"}) {
    CAPTURE(method);
    const std::optional<Reply> refusal = refuse({.method = method, .target = "/", .host = "localhost"}, {});
    REQUIRE(refusal);
    CHECK(refusal->status == 405);
    CHECK(refusal->allow == "GET, HEAD");
  }
}

TEST_CASE("another host is misdirected; without one there is no browser") {
  const std::optional<Reply> refusal = refuse({.method = "GET", .target = "/", .host = "evil.example"}, {});
  REQUIRE(refusal);
  CHECK(refusal->status == 421);
  CHECK_FALSE(refuse({.method = "GET", .target = "/"}, {}));
}

TEST_CASE("credentials are what a client of the data port would send") {
  CHECK(credentials("Basic " + base64_encode("user:pass word:x")) == "user pass word:x");
  CHECK(credentials("basic " + base64_encode("user:")) == "user ");
  for (const std::string& field :
       {std::string(), std::string("Basic"), std::string("Basic "), std::string("Basic !!!!"),
        "Bearer " + base64_encode("user:pass"), "Basic " + base64_encode("user")}) {
    CAPTURE(field);
    CHECK_FALSE(credentials(field));
  }
}

}  // namespace
}  // namespace netd::http
