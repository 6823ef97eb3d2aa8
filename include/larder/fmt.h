// Formatters for fmt: results and other enumerations print what to_string returns.
#ifndef LARDER_FMT_H_
#define LARDER_FMT_H_

#include <fmt/format.h>

#include <string_view>

#include "larder/result.h"

namespace fmt {

// For every enumeration of larder that has names.
template <larder::internal::NamedEnum T>
struct formatter<T> : formatter<std::string_view> {
  // Accepts the format specifications of a string.
  template <class Context>
  auto format(T value, Context& context) const {
    return formatter<std::string_view>::format(to_string(value), context);
  }
};

}  // namespace fmt

#endif  // LARDER_FMT_H_
