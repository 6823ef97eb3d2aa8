// memcached's exptime: the only place that knows its range, and that 30 days separate durations from dates.
//
//   0                       never expires
//   1..2592000              seconds from now
//   2592001..2147483647     UNIX time in seconds
//   negative                already expired
//   2147483648..4294967295  negative: clients that write -1 as an unsigned number send 4294967295
#ifndef NETD_EXPTIME_H_
#define NETD_EXPTIME_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "larder/expiry.h"
#include "larder/item.h"
#include "netd/numbers.h"

namespace netd {

inline constexpr int32_t kRelativeExptimeMaxS = 30 * 24 * 60 * 60;

// The exptime of touch, gat, gats, flush_all and the meta commands: an optional '-' and digits, 1..11 characters
// in all, -2147483648..4294967295.
[[nodiscard]] inline std::optional<int32_t> parse_exptime(std::string_view text) {
  if (const std::optional<int32_t> exptime = parse_i32(text)) return exptime;
  const std::optional<uint32_t> wrapped = parse_u32(text);
  if (!wrapped) return std::nullopt;
  return static_cast<int32_t>(*wrapped);
}

// The exptime of set, add, replace, append, prepend and cas: an optional sign and digits, -2^63..2^63 - 1. As in
// memcached, only the lower 32 bits count.
[[nodiscard]] inline std::optional<int32_t> parse_store_exptime(std::string_view text) {
  const std::optional<int64_t> exptime = parse_i64(text);
  if (!exptime) return std::nullopt;
  return static_cast<int32_t>(*exptime);
}

[[nodiscard]] inline larder::Expiry expiry_of(int32_t exptime) {
  if (exptime == 0) return larder::Expiry::never();
  if (exptime <= kRelativeExptimeMaxS) return larder::Expiry::after(std::chrono::seconds(exptime));
  return larder::Expiry::at(std::chrono::system_clock::time_point(std::chrono::seconds(exptime)));
}

// The time left as clients see it: whole seconds, -1 if the item never expires. Rounded up, so that an item with a
// TTL of 30 s has 30 s left when it has just been stored.
[[nodiscard]] inline int64_t seconds_left(int64_t ttl_ms) {
  if (ttl_ms == larder::kNeverExpires) return -1;
  return (std::max<int64_t>(ttl_ms, 0) + 999) / 1000;
}

// How long flush_all waits: the same rule, except that 0 or a moment in the past means at once.
[[nodiscard]] inline std::chrono::milliseconds flush_delay_of(int32_t exptime, int64_t now_unix_ms) {
  const int64_t ms = int64_t{exptime} * 1000;
  const int64_t delay_ms = exptime <= kRelativeExptimeMaxS ? ms : ms - now_unix_ms;
  return std::chrono::milliseconds(std::max<int64_t>(delay_ms, 0));
}

}  // namespace netd

#endif  // NETD_EXPTIME_H_
