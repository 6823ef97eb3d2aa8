#include "larder/expiry.h"

#include <chrono>
#include <limits>
#include <optional>
#include <ratio>
#include <type_traits>

#include "doctest/doctest.h"

namespace larder {
namespace {

using std::chrono::system_clock;
using namespace std::chrono_literals;
using Millennia = std::chrono::duration<int64_t, std::ratio<31'556'952'000>>;

TEST_CASE("an expiry that nothing was said about is never") {
  constexpr Expiry kNothing;
  static_assert(kNothing.kind() == Expiry::Kind::kNever);
  static_assert(kNothing.ms() == 0);
  static_assert(Expiry::never().kind() == Expiry::Kind::kNever);
}

TEST_CASE("a duration of any unit becomes milliseconds from now") {
  CHECK(Expiry::after(1500ms).kind() == Expiry::Kind::kAfter);
  CHECK(Expiry::after(1500ms).ms() == 1500);
  CHECK(Expiry::after(2s).ms() == 2000);
  CHECK(Expiry::after(3min).ms() == 180'000);
  CHECK(Expiry::after(24h).ms() == 86'400'000);
  CHECK(Expiry::after(3000us).ms() == 3);
  CHECK(Expiry::after(std::chrono::duration<double>(0.25)).ms() == 250);
}

TEST_CASE("a duration can be given where an expiry is taken") {
  constexpr Expiry kTen = 10s;
  static_assert(kTen.kind() == Expiry::Kind::kAfter);
  static_assert(kTen.ms() == 10'000);
}

TEST_CASE("a part of a millisecond counts as a whole one") {
  CHECK(Expiry::after(1ns).ms() == 1);
  CHECK(Expiry::after(999us).ms() == 1);
  CHECK(Expiry::after(1000us).ms() == 1);
  CHECK(Expiry::after(1001us).ms() == 2);
  CHECK(Expiry::after(std::chrono::duration<double, std::milli>(0.0001)).ms() == 1);
}

TEST_CASE("no time at all and time past are not in the future") {
  CHECK(Expiry::after(0s).kind() == Expiry::Kind::kAfter);
  CHECK(Expiry::after(0s).ms() == 0);
  CHECK(Expiry::after(-1ns).ms() <= 0);
  CHECK(Expiry::after(-5s).ms() == -5000);
}

TEST_CASE("durations too long or too far back for a number of milliseconds saturate") {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  CHECK(Expiry::after(std::chrono::hours::max()).ms() == kMax);
  CHECK(Expiry::after(std::chrono::hours::min()).ms() == kMin);
  CHECK(Expiry::after(std::chrono::seconds::max()).ms() == kMax);
  CHECK(Expiry::after(Millennia(std::numeric_limits<int64_t>::max())).ms() == kMax);
  CHECK(Expiry::after(std::chrono::duration<double>(1e300)).ms() == kMax);
  CHECK(Expiry::after(std::chrono::duration<double>(-1e300)).ms() == kMin);
  CHECK(Expiry::after(std::chrono::milliseconds::max()).ms() == kMax);
  CHECK(Expiry::after(std::chrono::nanoseconds::max()).ms() == 9'223'372'036'855);
}

TEST_CASE("a duration that is not a number is none, and an endless one saturates") {
  constexpr double kEndless = std::numeric_limits<double>::infinity();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  const auto after = [](double s) { return Expiry::after(std::chrono::duration<double>(s)); };
  CHECK(after(std::numeric_limits<double>::quiet_NaN()).kind() == Expiry::Kind::kAfter);
  CHECK(after(std::numeric_limits<double>::quiet_NaN()).ms() == kMin);
  CHECK(after(-std::numeric_limits<double>::quiet_NaN()).ms() == kMin);
  CHECK(after(kEndless).ms() == std::numeric_limits<int64_t>::max());
  CHECK(after(-kEndless).ms() == kMin);
  CHECK(Expiry::after(std::chrono::duration<float, std::nano>(std::numeric_limits<float>::quiet_NaN())).ms() ==
        kMin);
  CHECK(Expiry::at(std::chrono::sys_time<std::chrono::duration<double>>(
                       std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())))
            .ms() == kMin);
}

TEST_CASE("a moment becomes milliseconds since 1970, a part of one counted as a whole") {
  const Expiry whole = Expiry::at(system_clock::time_point(1'700'000'000s));
  CHECK(whole.kind() == Expiry::Kind::kAt);
  CHECK(whole.ms() == 1'700'000'000'000);
  CHECK(Expiry::at(system_clock::time_point(1'700'000'000s + 1ns)).ms() == 1'700'000'000'001);
  CHECK(Expiry::at(system_clock::time_point(1'700'000'000s + 999'999ns)).ms() == 1'700'000'000'001);
  CHECK(Expiry::at(system_clock::time_point()).ms() == 0);
}

TEST_CASE("a moment can be given where an expiry is taken") {
  const Expiry expiry = system_clock::time_point(5s);
  CHECK(expiry.kind() == Expiry::Kind::kAt);
  CHECK(expiry.ms() == 5000);
}

TEST_CASE("a moment may be in any unit of the wall clock, and of no other clock") {
  constexpr Expiry kDay = std::chrono::sys_days(std::chrono::year(2100) / 1 / 1);
  static_assert(kDay.kind() == Expiry::Kind::kAt);
  static_assert(kDay.ms() == 4'102'444'800'000);
  CHECK(Expiry(std::chrono::sys_seconds(5s)).ms() == 5000);
  CHECK(Expiry::at(std::chrono::ceil<std::chrono::hours>(system_clock::time_point(1s))).ms() == 3'600'000);
  CHECK(Expiry(std::chrono::sys_time<std::chrono::duration<double>>(std::chrono::duration<double>(0.25))).ms() ==
        250);
  CHECK(Expiry(std::chrono::sys_time<Millennia>(Millennia::max())).ms() == std::numeric_limits<int64_t>::max());
  const std::optional<Expiry> in_optional = std::chrono::sys_seconds(5s);
  CHECK(in_optional->ms() == 5000);
  static_assert(!std::is_constructible_v<Expiry, std::chrono::steady_clock::time_point>);
  static_assert(!std::is_constructible_v<Expiry, std::chrono::local_seconds>);
  static_assert(!std::is_constructible_v<Expiry, int>);
}

}  // namespace
}  // namespace larder
