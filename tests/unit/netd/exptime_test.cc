#include "netd/exptime.h"

#include <doctest/doctest.h>

namespace netd {
namespace {

using larder::Expiry;

TEST_CASE("0 never expires") { CHECK(expiry_of(0).kind() == Expiry::Kind::kNever); }

TEST_CASE("up to 30 days count from now") {
  CHECK(expiry_of(1).kind() == Expiry::Kind::kAfter);
  CHECK(expiry_of(1).ms() == 1000);
  CHECK(expiry_of(2592000).kind() == Expiry::Kind::kAfter);
  CHECK(expiry_of(2592000).ms() == 2592000000);
}

TEST_CASE("more than 30 days is a date") {
  CHECK(expiry_of(2592001).kind() == Expiry::Kind::kAt);
  CHECK(expiry_of(2592001).ms() == 2592001000);
  CHECK(expiry_of(2147483647).ms() == 2147483647000);
}

TEST_CASE("what is above 2^31 - 1 is a negative number written without its sign") {
  CHECK(parse_exptime("2147483647") == 2147483647);
  CHECK(parse_exptime("2147483648") == -2147483648);
  CHECK(parse_exptime("4294967295") == -1);
  CHECK(parse_exptime("-2147483648") == -2147483648);
  for (const char* const text : {"", "-", "+1", "4294967296", "-2147483649", "000000000001", "1h"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_exptime(text));
  }
}

TEST_CASE("of the exptime of a storage command the lower 32 bits count") {
  CHECK(parse_store_exptime("+60") == 60);
  CHECK(parse_store_exptime("2147483647") == 2147483647);
  CHECK(parse_store_exptime("2147483648") == -2147483648);
  CHECK(parse_store_exptime("4294967295") == -1);
  CHECK(parse_store_exptime("4294967296") == 0);
  CHECK(parse_store_exptime("-2147483649") == 2147483647);
  CHECK(parse_store_exptime("9223372036854775807") == -1);
  CHECK(parse_store_exptime("-9223372036854775808") == 0);
  CHECK_FALSE(parse_store_exptime("9223372036854775808"));
  CHECK_FALSE(parse_store_exptime("1h"));
}

TEST_CASE("a negative exptime has passed") {
  CHECK(expiry_of(-1).kind() == Expiry::Kind::kAfter);
  CHECK(expiry_of(-1).ms() < 0);
  CHECK(expiry_of(-2147483648).ms() < 0);
}

TEST_CASE("the time left is rounded up to seconds, and none is left when it is over") {
  CHECK(seconds_left(larder::kNeverExpires) == -1);
  CHECK(seconds_left(30'000) == 30);
  CHECK(seconds_left(29'001) == 30);
  CHECK(seconds_left(29'000) == 29);
  CHECK(seconds_left(0) == 0);
  CHECK(seconds_left(-5'000) == 0);
}

TEST_CASE("flush_all waits for a duration or until a date, and not at all for what has passed") {
  constexpr int64_t kNowMs = 1'700'000'000'500;
  CHECK(flush_delay_of(0, kNowMs).count() == 0);
  CHECK(flush_delay_of(-5, kNowMs).count() == 0);
  CHECK(flush_delay_of(10, kNowMs).count() == 10000);
  CHECK(flush_delay_of(1'700'000'010, kNowMs).count() == 9500);
  CHECK(flush_delay_of(1'600'000'000, kNowMs).count() == 0);
}

}  // namespace
}  // namespace netd
