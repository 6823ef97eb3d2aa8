#include "netd/numbers.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace netd {
namespace {

TEST_CASE("a u32 is 1 to 11 digits up to 2^32 - 1") {
  CHECK(parse_u32("0") == 0u);
  CHECK(parse_u32("4294967295") == 4294967295u);
  CHECK(parse_u32("00000000007") == 7u);
  for (const char* const text : {"", "4294967296", "000000000007", "+1", "-1", " 1", "1 ", "1x", "0x1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_u32(text));
  }
}

TEST_CASE("an i32 may have a minus sign, but no plus") {
  CHECK(parse_i32("2147483647") == 2147483647);
  CHECK(parse_i32("-2147483648") == -2147483648);
  CHECK(parse_i32("-0") == 0);
  for (const char* const text : {"", "-", "--1", "+1", "2147483648", "-2147483649", "000000000001", "1.5", "x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_i32(text));
  }
}

TEST_CASE("a u64 is 1 to 22 digits up to 2^64 - 1") {
  CHECK(parse_u64("18446744073709551615") == 18446744073709551615u);
  CHECK(parse_u64(std::string(21, '0') + "1") == 1u);
  CHECK_FALSE(parse_u64(std::string(22, '0') + "1"));
  for (const char* const text : {"", "18446744073709551616", "-1", "-0", "+1", "1x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_u64(text));
  }
}

TEST_CASE("client flags may have a plus sign and are not truncated") {
  CHECK(parse_client_flags("+1") == 1u);
  CHECK(parse_client_flags("4294967295") == 4294967295u);
  for (const char* const text : {"", "+", "-1", "++1", "4294967296", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_client_flags(text));
  }
}

TEST_CASE("an i64 may have either sign") {
  CHECK(parse_i64("+60") == 60);
  CHECK(parse_i64("-1") == -1);
  CHECK(parse_i64("9223372036854775807") == INT64_MAX);
  CHECK(parse_i64("-9223372036854775808") == INT64_MIN);
  for (const char* const text :
       {"", "+", "-", "+-1", "-+1", "++1", "9223372036854775808", "-9223372036854775809", "1h"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_i64(text));
  }
}

}  // namespace
}  // namespace netd
