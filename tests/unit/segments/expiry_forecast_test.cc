#include "larder/internal/segments/expiry_forecast.h"

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

constexpr int64_t kHourMs = 3'600'000;
// Expired items may count as alive for so long.
constexpr int64_t kLateMs = 64;
constexpr int64_t kEightYearsMs = int64_t{8} * 365 * 24 * kHourMs;

TEST_CASE("what is put in has expired when its deadline and a tick are past") {
  ExpiryForecast forecast;
  forecast.add(100, 1000, 0);
  CHECK(forecast.expired_bytes(999) == 0);
  CHECK(forecast.expired_bytes(1000 + kLateMs) == 100);
}

TEST_CASE("each expiry class is over by itself, with its last item") {
  ExpiryForecast forecast;
  forecast.add(100, 1000, 0);
  forecast.add(10, 3000, 0);
  forecast.add(5, kHourMs, 0);
  forecast.add(1, kNeverMs, 0);
  CHECK(forecast.expired_bytes(2999) == 0);
  CHECK(forecast.expired_bytes(3000 + kLateMs) == 110);
  CHECK(forecast.expired_bytes(kHourMs + kLateMs) == 115);
  CHECK(forecast.expired_bytes(kNeverMs) == 115);
}

TEST_CASE("an item that is given more time takes along those of its class and of later ones, not of earlier ones") {
  ExpiryForecast forecast;
  forecast.add(100, 1000, 0);
  forecast.add(10, 20'000, 0);
  forecast.add(5, kHourMs, 0);
  forecast.postpone(20'000, 2 * kHourMs);
  CHECK(forecast.expired_bytes(1000 + kLateMs) == 100);
  CHECK(forecast.expired_bytes(kHourMs + kLateMs) == 100);
  CHECK(forecast.expired_bytes(2 * kHourMs + kLateMs) == 115);
  forecast.postpone(2 * kHourMs, kNeverMs);
  CHECK(forecast.expired_bytes(kEightYearsMs) == 100);
}

TEST_CASE("an item that is given less time changes nothing") {
  ExpiryForecast forecast;
  forecast.add(100, 20'000, 0);
  forecast.postpone(20'000, 1000);
  CHECK(forecast.expired_bytes(1000 + kLateMs) == 0);
  CHECK(forecast.expired_bytes(20'000 + kLateMs) == 100);
}

TEST_CASE("cleared, it has nothing") {
  ExpiryForecast forecast;
  forecast.add(100, 1000, 0);
  forecast.clear();
  CHECK(forecast.expired_bytes(kNeverMs) == 0);
}

}  // namespace
}  // namespace larder::internal
