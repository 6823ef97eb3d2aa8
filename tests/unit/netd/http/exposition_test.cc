#include "netd/http/exposition.h"

#include <doctest/doctest.h>

#include <limits>

namespace netd::http {
namespace {

TEST_CASE("a family has its help, its type and its metrics") {
  Exposition out(Exposition::Format::kPrometheus);
  out.family("things_total", MetricType::kCounter, "Things so far.");
  out.add(3);
  out.family("level", MetricType::kGauge, "How high.");
  out.add(0.25, {{"side", "left"}, {"of", "house"}});
  CHECK(out.finish() ==
        "# HELP things_total Things so far.\n# TYPE things_total counter\nthings_total 3\n"
        "# HELP level How high.\n# TYPE level gauge\nlevel{side=\"left\",of=\"house\"} 0.25\n");
}

TEST_CASE("a family without metrics is not shown") {
  Exposition out(Exposition::Format::kPrometheus);
  out.family("nothing", MetricType::kGauge, "There is none.");
  out.family("level", MetricType::kGauge, "How high.");
  out.add(1);
  out.add(2, {{"side", "left"}});
  out.family("nothing_either", MetricType::kGauge, "There is none.");
  CHECK(out.finish() == "# HELP level How high.\n# TYPE level gauge\nlevel 1\nlevel{side=\"left\"} 2\n");
}

TEST_CASE("OpenMetrics names a counter's family without _total, and has an end") {
  Exposition out(Exposition::Format::kOpenMetrics);
  out.family("things_total", MetricType::kCounter, "Things so far.");
  out.add(3);
  out.family("odd", MetricType::kCounter, "A counter by another name.");
  out.add(4);
  CHECK(out.finish() ==
        "# HELP things Things so far.\n# TYPE things counter\nthings_total 3\n"
        "# HELP odd A counter by another name.\n# TYPE odd unknown\nodd 4\n# EOF\n");
}

TEST_CASE("label values may have quotes, backslashes and line ends") {
  Exposition out(Exposition::Format::kPrometheus);
  out.family("level", MetricType::kGauge, "How high.");
  out.add(1, {{"name", "a\"b\\c\nd"}});
  CHECK(out.finish() == "# HELP level How high.\n# TYPE level gauge\nlevel{name=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST_CASE("numbers keep all their digits") {
  CHECK(number_text(0) == "0");
  CHECK(number_text(17) == "17");
  CHECK(number_text(9007199254740991.0) == "9007199254740991");
  CHECK(number_text(0.1) == "0.1");
  CHECK(number_text(std::numeric_limits<double>::infinity()) == "+Inf");
  CHECK(number_text(-std::numeric_limits<double>::infinity()) == "-Inf");
  CHECK(number_text(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

}  // namespace
}  // namespace netd::http
