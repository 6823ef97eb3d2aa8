// What a load function may return in place of a value, if it knows more than that.
#ifndef LARDER_LOADED_H_
#define LARDER_LOADED_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace larder {

// A value with what is known of it: how long it is good, say, from the reply it came with.
template <class T>
struct Loaded {
  T value;
  // Instead of LoadOptions::ttl.
  std::optional<std::chrono::milliseconds> ttl = {};
  // Client flags of the item, instead of LoadOptions::flags (not of objects).
  std::optional<uint32_t> flags = {};
  // What the object weighs, instead of what the weigher says (not of items).
  std::optional<uint64_t> weight = {};
};
template <class T>
Loaded(T) -> Loaded<T>;
template <class T>
Loaded(T, std::chrono::milliseconds) -> Loaded<T>;

namespace internal {

template <class T>
inline constexpr bool kIsLoaded = false;
template <class T>
inline constexpr bool kIsLoaded<Loaded<T>> = true;

// Whether a load function's result may have a Loaded in it.
template <class T>
inline constexpr bool kHasLoaded = [] {
  if constexpr (requires(const T& result) { *result; }) {
    return kIsLoaded<std::remove_cvref_t<decltype(*std::declval<const T&>())>>;
  } else {
    return kIsLoaded<T>;
  }
}();

}  // namespace internal
}  // namespace larder

#endif  // LARDER_LOADED_H_
