#include "netd/key_text.h"

#include <doctest/doctest.h>

#include <string>

namespace netd {
namespace {

std::string encoded(std::string_view key) {
  std::string text;
  append_percent_encoded(key, text);
  return text;
}

std::string base64(std::string_view octets) {
  std::string text;
  append_base64(octets, text);
  return text;
}

TEST_CASE("all but unreserved octets are encoded, in upper case") {
  CHECK(encoded("azAZ09-._~") == "azAZ09-._~");
  CHECK(encoded("a:b c%") == "a%3Ab%20c%25");
  CHECK(encoded(std::string_view("\0\x7f\xff", 3)) == "%00%7F%FF");
}

TEST_CASE("a plain key is one that a line can carry") {
  CHECK(
      is_plain_key("a\tb\r\x80"
                   "c"));
  CHECK_FALSE(is_plain_key("a b"));
  CHECK_FALSE(is_plain_key("a\nb"));
  CHECK_FALSE(is_plain_key("a\r"));
}

TEST_CASE("base64 as RFC 4648 has it") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xef\xbe") == "/+++");
}

}  // namespace
}  // namespace netd
