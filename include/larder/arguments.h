// What the operations of a cache take besides key and value. Every field has a default.
#ifndef LARDER_ARGUMENTS_H_
#define LARDER_ARGUMENTS_H_

#include <chrono>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "larder/expiry.h"
#include "larder/tags.h"

namespace larder {

namespace internal {

// A temporary that may own the bytes it converts to: anything but a view or pointer. An lvalue deduces T as a
// reference.
template <class T>
concept OwningTemporary =
    !std::is_reference_v<T> && !std::is_pointer_v<T> && !std::derived_from<T, std::string_view> &&
    std::convertible_to<const T&, std::string_view>;

// A range of strings that does not convert to std::span<const std::string_view>.
template <class T>
concept StringRange =
    !std::convertible_to<const T&, std::span<const std::string_view>> && requires(const T& strings) {
  { *std::begin(strings) } -> std::convertible_to<std::string_view>;
  std::end(strings);
};

template <StringRange T>
[[nodiscard]] std::vector<std::string_view> views_of(const T& strings) {
  static_assert(!OwningTemporary<decltype(*std::begin(strings))>,
                "a range of temporary strings: there would be nothing to look at");
  return {std::begin(strings), std::end(strings)};
}

}  // namespace internal

// A std::string_view for members: it cannot be made from a temporary string, whose bytes would soon be gone.
class StringRef : public std::string_view {
 public:
  constexpr StringRef() = default;
  template <std::convertible_to<std::string_view> T>
  requires(!internal::OwningTemporary<T>) constexpr StringRef(T&& text)
      : std::string_view(std::forward<T>(text)) {}  // NOLINT: it is one
  template <internal::OwningTemporary T>
  StringRef(T&& temporary) = delete;  // NOLINT
};

// What is stored with a value.
struct SetOptions {
  uint32_t flags = 0;  // opaque; returned with the item
  Expiry expiry = {};  // never
  uint64_t cas = 0;    // the item's new CAS number; 0: the cache's next. Ignored if Options::cas is off
  bool is_key_binary = false;  // returned with the item, for servers that have to print keys

  // How long the item is there after it was last read or changed: so long, and up to a sixteenth and a millisecond
  // longer, but not longer than its expiry. 1 ms to 46 days; what is less or more counts as that. Not given: that
  // does not matter. A peek is no read. What changes the value and leaves the item its expiry, as append does,
  // leaves it its idle time as well; so does touch, which gives it another expiry; what makes it empty and stale
  // does not. Costs 15 bytes beside those of an expiry. A read of such an item takes a lock 16 times in an idle
  // time, and copies the item instead if it is held by a handle all that time. Ignored for what other operations
  // create.
  std::optional<std::chrono::milliseconds> idle = {};

  // What it can be erased by, together with others: see tags.h. Also of what ReadOptions::vivify creates.
  Tags tags = {};
};

// What incr and decr do about a missing key, and what else they change.
struct CounterOptions {
  std::optional<uint64_t> initial = {};   // given: a missing key is created with this number, delta not applied
  Expiry expiry = {};                     // of the created item; an existing item keeps its own
  std::optional<Expiry> new_expiry = {};  // given: new expiry of the counted or created item
  std::optional<uint64_t> expected = {};  // given: only an item with this CAS number is counted
  uint64_t cas = 0;                       // as in SetOptions
  bool is_key_binary = false;             // of an item that is created
};

// What store does about the existing item, and what replaces it.
enum class StoreMode : uint8_t { kSet, kAdd, kReplace, kAppend, kPrepend };
struct StoreOptions {
  // Whether it is a cas, and is counted as one. As in memcached, an append that compares is not.
  [[nodiscard]] bool is_cas() const { return expected && (mode == StoreMode::kSet || mode == StoreMode::kReplace); }

  StoreMode mode = StoreMode::kSet;       // which operation store is
  SetOptions item = {};                   // kAppend, kPrepend: flags and expiry stay
  std::optional<uint64_t> expected = {};  // given: only an item with this CAS number is replaced; not for kAdd
  bool takes_older = false;               // with kSet, kReplace and `expected`: see Cache::store
  std::optional<Expiry> vivify = {};      // kAppend, kPrepend: given, a missing key is created with this expiry
};

// What an updater tells Cache::update to do. Made by one of the three functions.
struct Update {
  enum class Kind : uint8_t { kLeave, kErase, kStore };

  // The item stays as it is, or missing.
  [[nodiscard]] static Update leave() { return {}; }
  // The item is removed.
  [[nodiscard]] static Update erase() { return {.kind = Kind::kErase}; }
  // The item gets this value. A temporary that owns its bytes, such as a string, is moved or copied in here. Of
  // any other string or view only a view is kept: see Cache::update for how long its bytes must live. That
  // includes what `->` returns, even from a temporary.
  [[nodiscard]] static Update store(std::string_view value, std::optional<Expiry> expiry = {},
                                    std::optional<uint32_t> flags = {}) {
    return {.kind = Kind::kStore, .value = value, .owned = {}, .expiry = expiry, .flags = flags};
  }
  template <internal::OwningTemporary T>
  [[nodiscard]] static Update store(T&& value, std::optional<Expiry> expiry = {},
                                    std::optional<uint32_t> flags = {}) {
    if constexpr (std::same_as<T, std::string>) {
      return {.kind = Kind::kStore, .value = {}, .owned = std::move(value), .expiry = expiry, .flags = flags};
    } else {
      return store(std::string(std::string_view(value)), expiry, flags);
    }
  }

  // The new value.
  [[nodiscard]] std::string_view bytes() const { return owned ? std::string_view(*owned) : value; }

  Kind kind = Kind::kLeave;               // what to do; the other fields are for kStore
  std::string_view value = {};            // a view of the new value,
  std::optional<std::string> owned = {};  // or, if given, the value itself
  std::optional<Expiry> expiry = {};      // not given: it stays; a new item never expires
  std::optional<uint32_t> flags = {};     // not given: they stay; a new item has 0
  bool is_key_binary = false;             // of a new item, as in SetOptions
};

// One item of set_multi. Key and value must live until set_multi returns.
struct SetEntry {
  StringRef key;
  StringRef value;
  SetOptions options = {};
};

}  // namespace larder

#endif  // LARDER_ARGUMENTS_H_
