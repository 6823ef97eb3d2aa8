#include "netd/http/exposition.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace netd::http {
namespace {

constexpr std::string_view kCounterSuffix = "_total";

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      break;
  }
  return "histogram";
}

void append_escaped(std::string_view value, std::string& text) {
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
}

}  // namespace

void Exposition::family(std::string_view name, MetricType type, std::string_view help) {
  name_ = name;
  std::string_view shown_type = type_name(type);
  std::string_view shown_name = name;
  if (format_ == Format::kOpenMetrics && type == MetricType::kCounter) {
    if (name.ends_with(kCounterSuffix)) {
      shown_name.remove_suffix(kCounterSuffix.size());
    } else {
      shown_type = "unknown";
    }
  }
  heading_ = fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", shown_name, help, shown_type);
}

void Exposition::add(std::string_view suffix, double value, Labels labels) {
  text_ += std::exchange(heading_, {});
  text_ += name_;
  text_ += suffix;
  char before = '{';
  for (const auto& [label, label_value] : labels) {
    text_ += before;
    text_ += label;
    text_ += "=\"";
    append_escaped(label_value, text_);
    text_ += '"';
    before = ',';
  }
  if (labels.size() > 0) text_ += '}';
  text_ += ' ';
  text_ += number_text(value);
  text_ += '\n';
}

std::string Exposition::finish() {
  if (format_ == Format::kOpenMetrics) text_ += "# EOF\n";
  return std::move(text_);
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

}  // namespace netd::http
