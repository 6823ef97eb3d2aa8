// What the operations of a cache are told besides key and value. All of it can be left out.
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

namespace larder {

namespace internal {

// A temporary that may own the bytes it converts to: all but views and pointers. An lvalue deduces T as a
// reference.
template <class T>
concept OwningTemporary =
    !std::is_reference_v<T> && !std::is_pointer_v<T> && !std::derived_from<T, std::string_view> &&
    std::convertible_to<const T&, std::string_view>;

// What std::span<const std::string_view> is not made of, but could be.
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

// A std::string_view for members: it cannot be made of a temporary string, whose bytes would be gone at once.
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
  uint32_t flags = 0;  // opaque; handed back with the item
  Expiry expiry = {};  // never
  uint64_t cas = 0;    // the item's new CAS number; 0: the next of the cache's own. No use without Options::cas
  bool is_key_binary = false;  // handed back with the item, for servers that have to print keys
};

// How incr and decr treat a key that is missing, and what else they do.
struct CounterOptions {
  std::optional<uint64_t> initial = {};   // given: the missing key is created with this number, delta not applied
  Expiry expiry = {};                     // of the item so created; an item that is there keeps its own
  std::optional<Expiry> new_expiry = {};  // given: of the item that is counted, or created
  std::optional<uint64_t> expected = {};  // given: only an item with this CAS number is counted
  uint64_t cas = 0;                       // as in SetOptions
  bool is_key_binary = false;             // of an item that is created
};

// How store treats the item that is there, and what it puts in its place.
enum class StoreMode : uint8_t { kSet, kAdd, kReplace, kAppend, kPrepend };
struct StoreOptions {
  // Whether it is a cas, and counts as one: as in memcached, an append that compares is none.
  [[nodiscard]] bool is_cas() const { return expected && (mode == StoreMode::kSet || mode == StoreMode::kReplace); }

  StoreMode mode = StoreMode::kSet;       // what store is
  SetOptions item = {};                   // kAppend, kPrepend: flags and expiry stay as they are
  std::optional<uint64_t> expected = {};  // given: only an item with this CAS number is stored over; not for kAdd
  bool takes_older = false;               // with kSet, kReplace and `expected`: see Cache::store
  std::optional<Expiry> vivify = {};      // kAppend, kPrepend: given, a missing key is stored, with this expiry
};

// What becomes of an item that Cache::update has shown. Made by one of the three functions.
struct Update {
  enum class Kind : uint8_t { kLeave, kErase, kStore };

  // It stays as it is, or missing.
  [[nodiscard]] static Update leave() { return {}; }
  // It goes.
  [[nodiscard]] static Update erase() { return {.kind = Kind::kErase}; }
  // It gets this value. A temporary string, or whatever else is a temporary and owns its bytes, is moved in here.
  // Of any other string or view only a view is kept: see Cache::update for how long its bytes must live. What is
  // reached through `->` counts as another, even if it is a temporary's.
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

  Kind kind = Kind::kLeave;               // what is to be done; the rest is for kStore
  std::string_view value = {};            // a view of the new value,
  std::optional<std::string> owned = {};  // or, given, the value itself
  std::optional<Expiry> expiry = {};      // not given: it stays; a new item never expires
  std::optional<uint32_t> flags = {};     // not given: they stay; those of a new item are 0
  bool is_key_binary = false;             // of a new item, as in SetOptions
};

// One item of set_multi. Key and value must live until that returns.
struct SetEntry {
  StringRef key;
  StringRef value;
  SetOptions options = {};
};

}  // namespace larder

#endif  // LARDER_ARGUMENTS_H_
