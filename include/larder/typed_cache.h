// TypedCache: keys and values of the program's own types in a larder::Cache.
//
//   larder::TypedCache<uint64_t, User> users(cache, "user:");
//   users.set(42, ann, {.expiry = std::chrono::minutes(5)});
//   if (std::optional<User> user = users.get(42)) greet(*user);
//
// A TypedCache holds only a reference to the cache, its prefix and its codecs (codec.h). Several can share one
// cache, if no prefix starts with another. Its functions behave like those of Cache with the same names, with one
// addition: bytes that the codec refuses are not a value. Reads then return what they return for a missing key,
// and count it. Items that stand for a value yet to be stored (has_value, in item.h) are treated in the same way,
// but not counted.
//
// Cost over the same call of Cache: strings, trivially copyable types, and keys of such types without a prefix are
// passed without a copy. Others are encoded into a buffer on the stack (on the heap above 512 bytes; for keys with
// their prefix, above 256), from which the cache copies them. They are not encoded into the record directly:
// readers may be copying that memory, so it is written in atomic pieces through a buffer; and a codec would run
// with a lock held. Values are decoded from what Cache::visit shows.
#ifndef LARDER_TYPED_CACHE_H_
#define LARDER_TYPED_CACHE_H_

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "larder/arguments.h"
#include "larder/cache.h"
#include "larder/codec.h"
#include "larder/composite_codec.h"
#include "larder/expiry.h"
#include "larder/item.h"
#include "larder/renewal.h"
#include "larder/result.h"
#include "larder/serving.h"

namespace larder {

// A value with the data of its item that a program may need.
template <class T>
struct TypedItem {
  T value;
  uint64_t cas = 0;  // this and the next two as in Item
  int64_t ttl_ms = kNeverExpires;
  bool is_stale = false;
};

namespace internal {

// Room for the bytes of one key or value during a call.
template <size_t kInlineBytes>
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  // The bytes of `prefix` and `value`: a view of the value if that is enough, otherwise a copy in here.
  template <class T, class C>
  std::string_view bytes(const C& codec, const View<T>& value, std::string_view prefix = {}) {
    if constexpr (ShowsBytes<C, T>) {
      const std::string_view shown = codec.view(value);
      if (prefix.empty()) return shown;
      char* const room = begin(prefix, shown.size());
      if (!shown.empty()) std::memcpy(room, shown.data(), shown.size());
      return {room - prefix.size(), prefix.size() + shown.size()};
    } else {
      const size_t size = codec.size(value);
      char* const room = begin(prefix, size);
      return {room - prefix.size(), prefix.size() + codec.encode(value, std::span<char>(room, size))};
    }
  }

 private:
  // Copies the prefix here, and returns room for `bytes` more after it.
  char* begin(std::string_view prefix, size_t bytes) {
    char* room = inline_;
    if (prefix.size() + bytes > kInlineBytes) {
      heap_ = std::make_unique_for_overwrite<char[]>(prefix.size() + bytes);
      room = heap_.get();
    }
    if (!prefix.empty()) std::memcpy(room, prefix.data(), prefix.size());
    return room + prefix.size();
  }

  std::unique_ptr<char[]> heap_;
  char inline_[kInlineBytes];
};

}  // namespace internal

// A view of a Cache with keys and values of a program's own types. Thread-safe, as the cache is.
template <class Key, class T, class ValueCodec = Codec<T>, class CodecOfKey = KeyCodec<Key>>
class TypedCache {
  static_assert(
      CodecOf<ValueCodec, T> || !HoldsAddresses<T>,
      "T holds addresses, and what lies there would not be stored: specialize larder::Codec, see codec.h");
  static_assert(CodecOf<ValueCodec, T> || HoldsAddresses<T>, "T needs a larder::Codec: see codec.h");
  static_assert(
      KeyCodecOf<CodecOfKey, Key> || !HoldsAddresses<Key>,
      "Key holds addresses, which say nothing of what lies there: specialize larder::KeyCodec, see codec.h");
  static_assert(KeyCodecOf<CodecOfKey, Key> || HoldsAddresses<Key>, "Key needs a larder::KeyCodec: see codec.h");

 public:
  // `cache` must outlive this. `prefix` comes before every key; both together are at most kKeyBytesMax bytes.
  explicit TypedCache(Cache& cache, std::string prefix = {}, ValueCodec value_codec = {}, CodecOfKey key_codec = {})
      : cache_(&cache),
        prefix_(std::move(prefix)),
        value_codec_(std::move(value_codec)),
        key_codec_(std::move(key_codec)) {}
  // No other thread may be using either; the one moved from cannot be used any more.
  TypedCache(TypedCache&& other) noexcept
      : cache_(other.cache_),
        prefix_(std::move(other.prefix_)),
        value_codec_(std::move(other.value_codec_)),
        key_codec_(std::move(other.key_codec_)),
        decode_failures_(other.decode_failures()) {}
  TypedCache& operator=(TypedCache&& other) noexcept {
    cache_ = other.cache_;
    prefix_ = std::move(other.prefix_);
    value_codec_ = std::move(other.value_codec_);
    key_codec_ = std::move(other.key_codec_);
    decode_failures_.store(other.decode_failures(), std::memory_order_relaxed);
    return *this;
  }

  // --- reading ---------------------------------------------------------------------------------------------

  // Like Cache::get: the value, or nothing.
  [[nodiscard]] std::optional<T> get(const View<Key>& key) {
    const KeyBytes bytes(*this, key);
    if constexpr (kIsString) {
      // The one read that copies once. An empty value may not be one: checked with peek.
      std::optional<std::string> value(std::in_place);
      if (!cache_->get(bytes, *value)) return std::nullopt;
      if (!value->empty()) return value;
      return peek(key);
    } else {
      std::optional<T> value;
      cache_->visit(bytes, [&](const ItemView& item) { value = decode(item); });
      return value;
    }
  }

  // The value with its CAS number and the time left.
  [[nodiscard]] std::optional<TypedItem<T>> get_item(const View<Key>& key) {
    std::optional<TypedItem<T>> found;
    cache_->visit(KeyBytes(*this, key), [&](const ItemView& item) {
      if (std::optional<T> value = decode(item)) {
        found.emplace(TypedItem<T>{*std::move(value), item.cas, item.ttl_ms, item.is_stale});
      }
    });
    return found;
  }

  // Like get, but without side effects; contains returns whether get would find a value. Both copy the value.
  [[nodiscard]] std::optional<T> peek(const View<Key>& key) const {
    const std::optional<Item> item = cache_->peek(KeyBytes(*this, key));
    if (!item) return std::nullopt;
    return decode({.key = {},
                   .value = item->value,
                   .flags = item->flags,
                   .is_stale = item->is_stale,
                   .is_won = item->is_won});
  }
  [[nodiscard]] bool contains(const View<Key>& key) const { return peek(key).has_value(); }

  // Calls visitor(index, value) for each of `keys` that is found, in order, with a T that it may move from.
  // Returns how many were found.
  template <std::invocable<size_t, T&&> Visitor>
  size_t get_multi(std::span<const Key> keys, Visitor&& visitor) {
    size_t found = 0;
    const KeyBytesList list(*this, keys);
    cache_->get_multi(list.views(), [&](size_t index, const ItemView& item) {
      std::optional<T> value = decode(item);
      if (!value) return;
      ++found;
      visitor(index, *std::move(value));
    });
    return found;
  }

  // Element i belongs to keys[i].
  [[nodiscard]] std::vector<std::optional<T>> get_multi(std::span<const Key> keys) {
    std::vector<std::optional<T>> values(keys.size());
    get_multi(keys, [&](size_t index, T&& value) { values[index] = std::move(value); });
    return values;
  }

  // --- storing ---------------------------------------------------------------------------------------------

  // Like the functions of Cache with the same names.
  StoreResult set(const View<Key>& key, const View<T>& value, const SetOptions& options = {}) {
    return store(key, value, {.item = options}).result;
  }
  // For add and replace, an empty item that a reader should renew (larder::read) counts as present: only set, cas
  // and a loader store over it.
  StoreResult add(const View<Key>& key, const View<T>& value, const SetOptions& options = {}) {
    return store(key, value, {.mode = StoreMode::kAdd, .item = options}).result;
  }
  StoreResult replace(const View<Key>& key, const View<T>& value, const SetOptions& options = {}) {
    return store(key, value, {.mode = StoreMode::kReplace, .item = options}).result;
  }
  // `expected`: TypedItem::cas.
  StoreResult cas(const View<Key>& key, const View<T>& value, uint64_t expected, const SetOptions& options = {}) {
    return store(key, value, {.item = options, .expected = expected}).result;
  }

  // Like Cache::update. `updater(value)` gets the current std::optional<T> and may change it. If it returns true,
  // the value is stored, or the item erased if there is no value; if false, nothing changes. It may be called more
  // than once. `expiry`: the item's new one; not given, it stays, and a new item never expires.
  template <std::predicate<std::optional<T>&> Updater>
  UpdateOutcome update(const View<Key>& key, Updater&& updater, std::optional<Expiry> expiry = {}) {
    std::optional<T> value;
    ValueBuffer buffer;
    return cache_->update(KeyBytes(*this, key), [&](const ItemView* item) {
      value = item != nullptr ? decode(*item) : std::nullopt;
      if (!updater(value)) return Update::leave();
      if (!value) return Update::erase();
      Update update = Update::store(encode(*value, buffer), expiry);
      update.is_key_binary = kIsKeyBinary;
      return update;
    });
  }

  // --- expiry and removal ----------------------------------------------------------------------------------

  // Like the functions of Cache with the same names.
  bool touch(const View<Key>& key, Expiry expiry) { return cache_->touch(KeyBytes(*this, key), expiry); }
  [[nodiscard]] std::optional<T> get_and_touch(const View<Key>& key, Expiry expiry) {
    std::optional<T> value;
    larder::visit_and_touch(*cache_, KeyBytes(*this, key), expiry,
                            [&](const ItemView& item) { value = decode(item); });
    return value;
  }
  EraseResult erase(const View<Key>& key, std::optional<uint64_t> expected = std::nullopt) {
    return cache_->erase(KeyBytes(*this, key), expected);
  }
  EraseResult invalidate(const View<Key>& key, const InvalidateOptions& options = {}) {
    return larder::invalidate(*cache_, KeyBytes(*this, key), options);
  }

  // --- the cache beneath -----------------------------------------------------------------------------------

  // The cache it was made with.
  [[nodiscard]] Cache& cache() const { return *cache_; }

  // How many reads found bytes that the codec refused.
  [[nodiscard]] uint64_t decode_failures() const {
    // Relaxed: a statistic; nothing else is read on the strength of it.
    return decode_failures_.load(std::memory_order_relaxed);
  }

 protected:
  // Holds the bytes of an encoded value.
  using ValueBuffer = internal::ByteBuffer<512>;

  // SetOptions::is_key_binary of its items.
  static constexpr bool kIsKeyBinary = requires { requires CodecOfKey::is_binary; };

  // A key as bytes, with the prefix.
  class KeyBytes {
   public:
    KeyBytes(const TypedCache& typed, const View<Key>& key)
        : bytes_(buffer_.template bytes<Key>(typed.key_codec_, key, typed.prefix_)) {}
    operator std::string_view() const { return bytes_; }  // NOLINT: it is one

   private:
    internal::ByteBuffer<256> buffer_;
    std::string_view bytes_;
  };

  // The same for many keys.
  class KeyBytesList {
   public:
    KeyBytesList(const TypedCache& typed, std::span<const Key> keys) {
      views_.reserve(keys.size());
      if constexpr (ShowsBytes<CodecOfKey, Key>) {
        if (typed.prefix_.empty()) {
          for (const Key& key : keys) views_.push_back(typed.key_codec_.view(key));
          return;
        }
      }
      std::vector<size_t> ends;
      ends.reserve(keys.size());
      for (const Key& key : keys) {
        bytes_ += KeyBytes(typed, key);
        ends.push_back(bytes_.size());
      }
      size_t begin = 0;
      for (const size_t end : ends) {
        views_.push_back(std::string_view(bytes_).substr(begin, end - begin));
        begin = end;
      }
    }
    KeyBytesList(const KeyBytesList&) = delete;
    KeyBytesList& operator=(const KeyBytesList&) = delete;

    // Element i belongs to key i.
    [[nodiscard]] std::span<const std::string_view> views() const { return views_; }

   private:
    std::string bytes_;
    std::vector<std::string_view> views_;
  };

  // Decodes a value; nothing, and counted, if these bytes are not one.
  [[nodiscard]] std::optional<T> decode(std::string_view bytes) const {
    std::optional<T> value = value_codec_.decode(bytes);
    // Relaxed: see decode_failures.
    if (!value) decode_failures_.fetch_add(1, std::memory_order_relaxed);
    return value;
  }

  // The bytes of `value`: a view of it, or encoded in `buffer`.
  [[nodiscard]] std::string_view encode(const View<T>& value, ValueBuffer& buffer) const {
    return buffer.template bytes<T>(value_codec_, value);
  }

 private:
  static constexpr bool kIsString = std::same_as<ValueCodec, Codec<std::string>>;

  [[nodiscard]] std::optional<T> decode(const ItemView& item) const {
    return has_value(item) ? decode(item.value) : std::nullopt;
  }

  StoreOutcome store(const View<Key>& key, const View<T>& value, StoreOptions options) {
    options.item.is_key_binary |= kIsKeyBinary;
    ValueBuffer buffer;
    return cache_->store(KeyBytes(*this, key), encode(value, buffer), options);
  }

  Cache* cache_;
  std::string prefix_;
  [[no_unique_address]] ValueCodec value_codec_;
  [[no_unique_address]] CodecOfKey key_codec_;
  mutable std::atomic<uint64_t> decode_failures_{0};
};

}  // namespace larder

#endif  // LARDER_TYPED_CACHE_H_
