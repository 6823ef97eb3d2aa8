#include "netd/preview.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

namespace netd {
namespace {

std::vector<std::string> keys_of(std::string_view input, size_t* bytes = nullptr) {
  std::array<std::string_view, 4> keys;
  const Preview seen = preview(input, keys);
  if (bytes != nullptr) *bytes = seen.bytes;
  return {keys.begin(), keys.begin() + static_cast<ptrdiff_t>(seen.keys)};
}

using Keys = std::vector<std::string>;

TEST_CASE("values are passed over, whatever they look like") {
  constexpr std::string_view kInput =
      "set a 0 0 7\r\nget x\r\n\r\nms b 7 F1\r\nget y\r\n\r\ncas c 0 0 1 9 noreply\r\n1\r\nmg d v\n";
  size_t bytes = 0;
  CHECK(keys_of(kInput, &bytes) == Keys{"a", "b", "c", "d"});
  CHECK(bytes == kInput.size());
}

TEST_CASE("of many keys the first is taken") { CHECK(keys_of("get a b c\r\ngets d\r\n") == Keys{"a", "d"}); }

TEST_CASE("what is not complete is not looked at") {
  size_t bytes = 0;
  CHECK(keys_of("get a\r\nget b", &bytes) == Keys{"a"});
  CHECK(bytes == 7);
  CHECK(keys_of("get a\r\nset b 0 0 2\r\nxy\r", &bytes) == Keys{"a"});
  CHECK(bytes == 7);
  CHECK(keys_of("").empty());
}

TEST_CASE("what is no ordinary request ends it") {
  CHECK(keys_of("get a\r\nset b 0 0 -1\r\nget c\r\n") == Keys{"a"});
  CHECK(keys_of("get a\r\nset b 0 0 4294967295\r\nget c\r\n") == Keys{"a"});
  CHECK(keys_of("mn\r\nget a\r\n").empty());
  CHECK(keys_of("\r\n\r\n").empty());
}

TEST_CASE("there are never more than there is room for") {
  size_t bytes = 0;
  CHECK(keys_of("get a\r\nget b\r\nget c\r\nget d\r\nget e\r\n", &bytes) == Keys{"a", "b", "c", "d"});
  CHECK(bytes == 28);
}

}  // namespace
}  // namespace netd
