#include "netd/http/monotonic_counters.h"

#include <doctest/doctest.h>

namespace netd::http {
namespace {

TEST_CASE("a difference that falls while its parts grow stays as it was") {
  MonotonicCounters counters;
  CHECK(counters.at_least("a", 501, 1000) == 501);
  CHECK(counters.at_least("a", 500, 1002) == 501);
  CHECK(counters.at_least("a", 503, 1004) == 503);
  CHECK(counters.at_least("b", -1, 10) == 0);
}

TEST_CASE("it begins anew when the counters are reset") {
  MonotonicCounters counters;
  CHECK(counters.at_least("a", 501, 1000) == 501);
  CHECK(counters.at_least("a", 3, 5) == 3);
  CHECK(counters.at_least("a", 2, 6) == 3);
}

}  // namespace
}  // namespace netd::http
