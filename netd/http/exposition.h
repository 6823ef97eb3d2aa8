// Writes metrics as text: Prometheus' format 0.0.4, or OpenMetrics 1.0.
#ifndef NETD_HTTP_EXPOSITION_H_
#define NETD_HTTP_EXPOSITION_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace netd::http {

enum class MetricType : uint8_t { kCounter, kGauge, kHistogram };

class Exposition {
 public:
  enum class Format : uint8_t { kPrometheus, kOpenMetrics };
  using Label = std::pair<std::string_view, std::string_view>;  // name, value
  using Labels = std::initializer_list<Label>;

  explicit Exposition(Format format) : format_(format) {}

  // Starts a family of metrics: what is added next belongs to it. `help` is a line. `name` must not have been
  // started before. A family without metrics is not shown.
  //
  // OpenMetrics has counters end in _total; one that does not is of unknown type there, and keeps its name.
  void family(std::string_view name, MetricType type, std::string_view help);

  // A metric of the family; label values may be any bytes of UTF-8.
  void add(double value, Labels labels = {}) { add({}, value, labels); }
  // With a suffix to the family's name: "_bucket", "_sum", "_count".
  void add(std::string_view suffix, double value, Labels labels);

  // All of it.
  [[nodiscard]] std::string finish();

 private:
  const Format format_;
  std::string text_;
  std::string name_;     // of the family
  std::string heading_;  // until its first metric
};

// A number as both formats want it: "17", "0.25", "+Inf".
[[nodiscard]] std::string number_text(double value);

}  // namespace netd::http

#endif  // NETD_HTTP_EXPOSITION_H_
