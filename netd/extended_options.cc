#include "netd/extended_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>

#include "netd/option_values.h"

namespace netd {
namespace {

constexpr std::string_view kWithoutEffect[] = {
    "inline_ascii_resp", "lru_crawler",        "lru_maintainer", "modern",
    "no_chunked_items",  "no_drop_privileges", "no_hashexpand",  "no_inline_ascii_resp",
    "no_lru_crawler",    "no_lru_maintainer",  "no_modern",      "no_slab_automove",
    "no_slab_reassign",  "resp_obj_mem_limit", "slab_reassign",  "slab_sizes",
    "sock_cookie_id",    "track_sizes",
};

// Without effect, but numbers in a range.
struct Range {
  std::string_view name;
  int64_t min;
  int64_t max;
};
constexpr Range kRanges[] = {
    {"hashpower", 12, 32},
    {"hot_lru_pct", 1, 79},
    {"warm_lru_pct", 1, 79},
    {"lru_crawler_sleep", 0, 1000000},
    {"lru_crawler_tocrawl", 0, std::numeric_limits<uint32_t>::max()},
    {"slab_automove_window", 3, 1800},
    {"slab_chunk_max", 1, 1024},
    {"slab_automove", 0, 2},
    {"tail_repair_time", 10, std::numeric_limits<int32_t>::max()},
    {"temporary_ttl", 0, std::numeric_limits<int32_t>::max()},
    {"read_buf_mem_limit", 0, std::numeric_limits<int32_t>::max()},
    {"worker_logbuf_size", 0, std::numeric_limits<int32_t>::max()},
};
// The same, but above 0.
struct Factor {
  std::string_view name;
  double max;
};
constexpr Factor kFactors[] = {
    {"hot_max_factor", std::numeric_limits<double>::infinity()},
    {"warm_max_factor", std::numeric_limits<double>::infinity()},
    {"slab_automove_ratio", 1},
    {"slab_automove_freeratio", 1},
};
constexpr int64_t kWatcherQueueKibMax = 1 << 20;
constexpr std::string_view kMayStandAlone = "slab_automove";

// Null: it is none of `list`.
template <class Option, size_t kSize>
const Option* find(const Option (&list)[kSize], std::string_view name) {
  const auto* const found =
      std::find_if(list, list + kSize, [name](const Option& option) { return option.name == name; });
  return found == list + kSize ? nullptr : found;
}

constexpr std::string_view kHashAlgorithms[] = {"jenkins", "murmur3", "xxh3"};

struct Refused {
  std::string_view prefix;
  std::string_view reason;
};
constexpr Refused kRefused[] = {
    {"ext_", "netd keeps items in memory only"},
    {"proxy_", "netd is no proxy"},
    {"ssl_", "netd has no TLS; put a TLS proxy before it"},
    {"drop_privileges", "netd filters no system calls; let the service manager do it"},
};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Empty if it is not.
std::string_view reason_for_refusing(std::string_view name) {
  for (const Refused& refused : kRefused) {
    if (name.starts_with(refused.prefix)) return refused.reason;
  }
  return {};
}

uint32_t parse_timeout(const FlagValue& value) {
  return static_cast<uint32_t>(parse_number(value, 0, std::numeric_limits<int32_t>::max()));
}

// `given` is the flag of the list, `value` one option of it.
void apply(const FlagValue& given, std::string_view name, const FlagValue& value, Options& options) {
  if (name == "idle_timeout") {
    options.idle_timeout_s = parse_timeout(value);
  } else if (name == "send_timeout") {
    options.send_timeout_s = parse_timeout(value);
  } else if (name == "request_timeout") {
    options.request_timeout_s = parse_timeout(value);
  } else if (name == "maxconns_fast") {
    options.reject_connections = true;
  } else if (name == "no_maxconns_fast") {
    options.reject_connections = false;
  } else if (name == "watcher_logbuf_size") {
    const int64_t kib = parse_number(value, 0, std::numeric_limits<int32_t>::max());
    if (kib > kWatcherQueueKibMax) {
      options.warnings.push_back(fmt::format("{}: {} instead of {}", value.flag, kWatcherQueueKibMax, kib));
    }
    options.watcher_queue_bytes = static_cast<size_t>(std::min(kib, kWatcherQueueKibMax)) << 10;
  } else if (name == "hotkeys") {
    if (value.text != "on" && value.text != "off") refuse(value, "is neither on nor off");
    options.hot_keys = value.text == "on";
  } else if (const Range* const range = find(kRanges, name)) {
    if (!value.text.empty() || name != kMayStandAlone) (void)parse_number(value, range->min, range->max);
    options.notes.push_back(fmt::format("{} has no effect here", value.flag));
  } else if (const Factor* const factor = find(kFactors, name)) {
    (void)parse_factor(value, 0, factor->max);
    options.notes.push_back(fmt::format("{} has no effect here", value.flag));
  } else if (name == "hash_algorithm") {
    if (!contains(kHashAlgorithms, value.text)) refuse(value, "is none of jenkins, murmur3, xxh3");
    options.notes.push_back(fmt::format("{} has no effect here", value.flag));
  } else if (contains(kWithoutEffect, name)) {
    options.notes.push_back(fmt::format("{} has no effect here", value.flag));
  } else if (!reason_for_refusing(name).empty()) {
    throw StartError(fmt::format("{}: not supported: {}", value.flag, reason_for_refusing(name)));
  } else {
    throw StartError(fmt::format("{}: illegal suboption '{}'", given.flag, name));
  }
}

}  // namespace

void apply_extended_options(const FlagValue& given, Options& options) {
  std::string_view list = given.text;
  while (!list.empty()) {
    const std::string_view option = list.substr(0, list.find(','));
    list.remove_prefix(std::min(option.size() + 1, list.size()));
    const size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    const std::string_view text = equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
    apply(given, name, {fmt::format("{} {}", given.flag, name), text}, options);
  }
}

}  // namespace netd
