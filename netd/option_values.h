// The values of command line options. memcached reads them with atoi, which turns anything into 0; here, a value
// of the wrong form is refused with a message that names the flag and the value.
#ifndef NETD_OPTION_VALUES_H_
#define NETD_OPTION_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "netd/start_error.h"

namespace netd {

// A value, and the flag it was given to, as messages name it ("-p", "-o idle_timeout").
struct FlagValue {
  std::string flag;
  std::string_view text;
};

[[noreturn]] void refuse(const FlagValue& value, std::string_view reason, int exit_code = kExitFailure);

// A decimal number from `min` to `max`.
[[nodiscard]] int64_t parse_number(const FlagValue& value, int64_t min, int64_t max, int exit_code = kExitFailure);

// A decimal fraction above `above` and at most `max`.
[[nodiscard]] double parse_factor(const FlagValue& value, double above,
                                  double max = std::numeric_limits<double>::infinity());

// A number of bytes: digits with k, m, g or t (times 2^10, 2^20, 2^30, 2^40), or without a suffix, which
// multiplies by `unit_bytes`.
[[nodiscard]] size_t parse_bytes(const FlagValue& value, size_t unit_bytes);

// Like parse_bytes in MiB; or with %: of the memory that this process may use, that of its control group or of the
// machine.
[[nodiscard]] size_t parse_memory(const FlagValue& value);

// The permission bits of an octal mode, 0..0777; higher bits, up to 07777, are ignored.
[[nodiscard]] unsigned parse_mode(const FlagValue& value);

}  // namespace netd

#endif  // NETD_OPTION_VALUES_H_
