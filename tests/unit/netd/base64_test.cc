#include "netd/base64.h"

#include <doctest/doctest.h>

#include <string>

namespace netd {
namespace {

TEST_CASE("the encodings of RFC 4648's examples go both ways") {
  const struct {
    std::string bytes, text;
  } examples[] = {{"f", "Zg=="},         {"fo", "Zm8="},         {"foo", "Zm9v"},     {"foob", "Zm9vYg=="},
                  {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "+/8="}};
  for (const auto& example : examples) {
    CHECK(base64_encode(example.bytes) == example.text);
    CHECK(base64_decode(example.text) == example.bytes);
  }
}

TEST_CASE("any bytes go both ways, at every length") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes.push_back(static_cast<char>(i * 7));
    CHECK((base64_decode(base64_encode(bytes)) == bytes));
  }
}

TEST_CASE("what is no whole encoding is refused") {
  for (const char* const text : {"", "Z", "Zm", "Zm9", "Zm9vY", "Zm9*", "Zm 9", "=", "====", "Z===", "Zm=v",
                                 "Zg==Zg==", "Zm9v====", "-_8=", "Zg..", "Zm\t9", "Zm9vZg==\r\r\r\r"}) {
    CHECK_MESSAGE(!base64_decode(text), text);
  }
}

}  // namespace
}  // namespace netd
