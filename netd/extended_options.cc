#include "netd/extended_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>

#include "netd/option_values.h"

namespace netd {
namespace {

constexpr std::string_view kWithoutEffect[] = {
    "hashpower",
    "hot_lru_pct",
    "hot_max_factor",
    "inline_ascii_resp",
    "lru_crawler",
    "lru_crawler_sleep",
    "lru_crawler_tocrawl",
    "lru_maintainer",
    "modern",
    "no_chunked_items",
    "no_drop_privileges",
    "no_hashexpand",
    "no_inline_ascii_resp",
    "no_lru_crawler",
    "no_lru_maintainer",
    "no_modern",
    "no_slab_automove",
    "no_slab_reassign",
    "read_buf_mem_limit",
    "resp_obj_mem_limit",
    "slab_automove",
    "slab_automove_freeratio",
    "slab_automove_ratio",
    "slab_automove_window",
    "slab_chunk_max",
    "slab_reassign",
    "slab_sizes",
    "sock_cookie_id",
    "tail_repair_time",
    "temporary_ttl",
    "track_sizes",
    "warm_lru_pct",
    "warm_max_factor",
    "watcher_logbuf_size",
    "worker_logbuf_size",
};

constexpr std::string_view kHashAlgorithms[] = {"jenkins", "murmur3", "xxh3"};

constexpr std::string_view kRefusedPrefixes[] = {"ext_", "proxy_", "ssl_", "drop_privileges"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_refused(std::string_view name) {
  return std::any_of(std::begin(kRefusedPrefixes), std::end(kRefusedPrefixes),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

void apply(std::string_view name, const FlagValue& value, Options& options) {
  if (name == "idle_timeout") {
    options.idle_timeout_s = static_cast<uint32_t>(parse_number(value, 0, std::numeric_limits<int32_t>::max()));
  } else if (name == "maxconns_fast") {
    options.reject_connections = true;
  } else if (name == "no_maxconns_fast") {
    options.reject_connections = false;
  } else if (name == "hash_algorithm") {
    if (!contains(kHashAlgorithms, value.text)) refuse(value, "is none of jenkins, murmur3, xxh3");
    options.notes.push_back("-o hash_algorithm has no effect here");
  } else if (contains(kWithoutEffect, name)) {
    options.notes.push_back(fmt::format("-o {} has no effect here", name));
  } else if (is_refused(name)) {
    throw StartError(fmt::format("-o {} is not supported", name));
  } else {
    throw StartError(fmt::format("-o: illegal suboption '{}'", name));
  }
}

}  // namespace

void apply_extended_options(std::string_view list, Options& options) {
  while (!list.empty()) {
    const std::string_view option = list.substr(0, list.find(','));
    list.remove_prefix(std::min(option.size() + 1, list.size()));
    const size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    const std::string_view text = equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
    apply(name, {fmt::format("-o {}", name), text}, options);
  }
}

}  // namespace netd
