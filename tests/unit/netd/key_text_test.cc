#include "netd/key_text.h"

#include <doctest/doctest.h>

#include <string>

namespace netd {
namespace {

TEST_CASE("all but unreserved bytes are encoded, in upper case") {
  CHECK(percent_encoded("azAZ09-._~") == "azAZ09-._~");
  CHECK(percent_encoded("a:b c%") == "a%3Ab%20c%25");
  CHECK(percent_encoded(std::string_view("\0\x7f\xff", 3)) == "%00%7F%FF");
}

TEST_CASE("a plain key is one that a line can carry") {
  CHECK(
      is_plain_key("a\tb\r\x80"
                   "c"));
  CHECK_FALSE(is_plain_key("a b"));
  CHECK_FALSE(is_plain_key("a\nb"));
  CHECK_FALSE(is_plain_key("a\r"));
}

TEST_CASE("what is encoded is decoded to the same key") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(percent_decoded(percent_encoded(all)) == all);
  CHECK(percent_decoded("a%2fb%2Fc+d") == "a/b/c+d");
  CHECK(percent_decoded("%") == "%");
  CHECK(percent_decoded("%4") == "%4");
  CHECK(percent_decoded("%4g%41%") == "%4gA%");
  CHECK(percent_decoded("").empty());
}

}  // namespace
}  // namespace netd
