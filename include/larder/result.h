// What the operations of a cache answer. None of these is an error of the program: each is an expected outcome.
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

// Of stores.
enum class StoreResult : uint8_t {
  kStored,     // every get that starts after the call returns sees the new value
  kNotStored,  // add: the key is there; replace, append, prepend: it is not, or the result would be too long
  kExists,     // cas: the item has another CAS number
  kNotFound,   // cas: there is no such item
  kTooLarge,   // the value is longer than Options::item_bytes_max
  kNoMemory,   // no room could be made: eviction is off, or readers hold everything that could go
  kBadKey,     // the key is empty or longer than kKeyBytesMax
};

// Of removals.
enum class EraseResult : uint8_t {
  kErased,    // the item was there, and has gone
  kNotFound,  // there was none
  kExists,    // a CAS number was given and the item has another one; it stays
};

// Of incr and decr.
enum class CounterStatus : uint8_t {
  kDone,        // `value` is the new number
  kCreated,     // the key was missing; `value` is the initial number now stored
  kNotFound,    // the key was missing and no initial number was given
  kExists,      // a CAS number was expected and the item has another one; it is unchanged
  kNotANumber,  // the item's value is not an unsigned 64-bit decimal number; it is unchanged
  kNoMemory,    // the longer number found no room; the item is unchanged
  kBadKey,      // the key is empty or longer than kKeyBytesMax
};

// Of Cache::update.
enum class UpdateStatus : uint8_t {
  kStored,    // the item is now as the updater has said
  kErased,    // the item was there, and has gone
  kLeft,      // the updater wanted nothing changed, or erased what was not there
  kTooLarge,  // the value is longer than Options::item_bytes_max; the item is unchanged
  kNoMemory,  // no room could be made; the item is unchanged
  kBadKey,    // the key is empty or longer than kKeyBytesMax; the updater was not called
};

// Of incr and decr, with the number.
struct CounterResult {
  CounterStatus status = CounterStatus::kNotFound;
  // Only with kDone and kCreated, as the rest:
  uint64_t value = 0;
  uint64_t cas = 0;
  int64_t ttl_ms = kNeverExpires;
  int64_t previous_ttl_ms = kNeverExpires;  // before CounterOptions::new_expiry
};

// Of Cache::store.
struct StoreOutcome {
  StoreResult result = StoreResult::kNotStored;
  // Only with kStored:
  uint64_t cas = 0;        // 0 also if the item has expired at once
  size_t value_bytes = 0;  // of the whole value, after append and prepend too
};

// Of Cache::update.
struct UpdateOutcome {
  UpdateStatus status = UpdateStatus::kLeft;
  uint64_t cas = 0;  // only with kStored; 0 also if the item has expired at once
};

// "stored", "not stored", … for logs and examples; std::ostream writes the same, and fmt with larder/fmt.h.
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

// Prints what to_string says.
template <internal::NamedEnum T>
std::ostream& operator<<(std::ostream& out, T value) {
  return out << to_string(value);
}

}  // namespace larder

#endif  // LARDER_RESULT_H_
