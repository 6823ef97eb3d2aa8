// What a load function has returned, and what is around it.
#ifndef LARDER_INTERNAL_OBJECTS_BROUGHT_H_
#define LARDER_INTERNAL_OBJECTS_BROUGHT_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "larder/internal/loader/bounds.h"
#include "larder/internal/objects/object.h"
#include "larder/loaded.h"

namespace larder::internal {

struct Brought {
  std::shared_ptr<Object> object;
  std::optional<std::chrono::milliseconds> ttl;
  std::optional<uint64_t> weight;  // there is one if there is an object
};

// Calls take(given) with what there is to make a T of, or with a std::shared_ptr<const T>; or says why there is
// nothing. Notes in `brought` what a Loaded says.
template <class T, class Result, class Take>
[[nodiscard]] absl::Status unwrap(Result&& result, Brought& brought, const Take& take) {
  using Plain = std::remove_cvref_t<Result>;
  using Pointer = std::shared_ptr<const T>;
  if constexpr (std::is_same_v<Plain, absl::Status>) {
    return result.ok() ? absl::InternalError("the load function succeeded without an object") : result;
  } else if constexpr (std::is_same_v<Plain, T>) {
    take(std::forward<Result>(result));
  } else if constexpr (kIsLoaded<Plain>) {
    brought.ttl = result.ttl;
    brought.weight = result.weight;
    return unwrap<T>(std::forward<Result>(result).value, brought, take);
  } else if constexpr (std::is_convertible_v<Plain, Pointer>) {
    if (result == nullptr) return absence();
    take(Pointer(std::forward<Result>(result)));
  } else if constexpr (requires { result.status(); }) {
    if (!result.ok()) return std::forward<Result>(result).status();
    return unwrap<T>(*std::forward<Result>(result), brought, take);
  } else if constexpr (requires { result.has_value(); }) {
    if (!result.has_value()) return absence();
    return unwrap<T>(*std::forward<Result>(result), brought, take);
  } else {
    take(std::forward<Result>(result));
  }
  return absl::OkStatus();
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_OBJECTS_BROUGHT_H_
