// What the operations of a cache return. None of these is a program error: each is an expected outcome.
#ifndef LARDER_RESULT_H_
#define LARDER_RESULT_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <type_traits>

#include "larder/api.h"
#include "larder/arguments.h"
#include "larder/item.h"

namespace larder {

// Of store operations.
enum class StoreResult : uint8_t {
  kStored,     // every get that starts after the call returns sees the new value
  kNotStored,  // add: the key is there; replace, append, prepend: it is not, or the result would be too long
  kExists,     // cas: the item has another CAS number
  kNotFound,   // cas: there is no such item
  kTooLarge,   // the value is longer than Options::item_bytes_max
  kNoMemory,   // no room could be made: eviction is off, or readers hold everything that could go
  kBadKey,     // the key is empty or longer than kKeyBytesMax
};

// Of erase operations.
enum class EraseResult : uint8_t {
  kErased,    // the item was there, and is removed
  kNotFound,  // there was no item
  kExists,    // a CAS number was given and the item has another one; the item stays
};

// Of incr and decr.
enum class CounterStatus : uint8_t {
  kDone,        // `value` is the new number
  kCreated,     // the key was missing; `value` is the initial number, now stored
  kNotFound,    // the key was missing and no initial number was given
  kExists,      // a CAS number was expected and the item has another one; it is unchanged
  kNotANumber,  // the item's value is not an unsigned 64-bit decimal number; it is unchanged
  kNoMemory,    // there was no room for the longer number; the item is unchanged
  kBadKey,      // the key is empty or longer than kKeyBytesMax
};

// Of Cache::update.
enum class UpdateStatus : uint8_t {
  kStored,    // the item is now what the updater returned
  kErased,    // the item was there, and is removed
  kLeft,      // the updater left everything as it was, or erased a missing item
  kTooLarge,  // the value is longer than Options::item_bytes_max; the item is unchanged
  kNoMemory,  // no room could be made; the item is unchanged
  kBadKey,    // the key is empty or longer than kKeyBytesMax; the updater was not called
};

// The result of incr and decr, with the number.
struct CounterResult {
  CounterStatus status = CounterStatus::kNotFound;
  // These only with kDone and kCreated:
  uint64_t value = 0;
  uint64_t cas = 0;
  int64_t ttl_ms = kNeverExpires;
  int64_t previous_ttl_ms = kNeverExpires;  // before CounterOptions::new_expiry
};

// The result of Cache::store.
struct StoreOutcome {
  StoreResult result = StoreResult::kNotStored;
  // These only with kStored:
  uint64_t cas = 0;        // also 0 if the item expired at once
  size_t value_bytes = 0;  // of the whole value, also after append and prepend
};

// The result of Cache::update.
struct UpdateOutcome {
  UpdateStatus status = UpdateStatus::kLeft;
  uint64_t cas = 0;  // only with kStored; also 0 if the item expired at once
};

// "stored", "not stored", … for logs and examples. std::ostream prints the same, and fmt with larder/fmt.h.
[[nodiscard]] LARDER_API std::string_view to_string(StoreResult result);
[[nodiscard]] LARDER_API std::string_view to_string(EraseResult result);
[[nodiscard]] LARDER_API std::string_view to_string(CounterStatus status);
[[nodiscard]] LARDER_API std::string_view to_string(UpdateStatus status);
[[nodiscard]] LARDER_API std::string_view to_string(StoreMode mode);

namespace internal {

template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T value) {
  { to_string(value) } -> std::same_as<std::string_view>;
};

}  // namespace internal

// Prints what to_string returns.
template <internal::NamedEnum T>
std::ostream& operator<<(std::ostream& out, T value) {
  return out << to_string(value);
}

}  // namespace larder

#endif  // LARDER_RESULT_H_
