// LoadingCache: a typed cache that knows how to come by what it does not have.
//
//   larder::LoadingCache<uint64_t, User> users(cache, "user:");
//   absl::StatusOr<User> user = users.get_or_load(42, {.ttl = 5min}, [&](uint64_t id) { return database.user(id);
//   });
//
// However many threads ask for a key that is missing, one of them loads it and the others get its value, or its
// error; so do clients of a server of the same cache that ask with meta commands. What that means when keys are
// erased, loads fail or take long, is told in loader.h, options in LoadOptions there. While a key is loaded, and as
// long as it is known to be absent, it is missing for the functions of TypedCache and Cache.
//
// Without types: LoadingCache<>, whose keys and values are strings.
//
// A load function takes a key and returns one of
//   absl::StatusOr<T>   NotFound says that there is none, as may be cached (LoadOptions::absent_ttl). Another error
//                       goes to all callers who wait, and is not cached.
//   std::optional<T>    nothing: there is none.
//   T                   the value.
// What it throws goes to all callers who wait, if the program and the library are built with exceptions.
//
// Give every cache and prefix one LoadingCache: two of them load a key only once, too, but wait by polling.
#ifndef LARDER_LOADING_CACHE_H_
#define LARDER_LOADING_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "larder/loader.h"
#include "larder/typed_cache.h"

namespace larder {

// A typed cache that loads what is missing. Thread-safe; may be moved as TypedCache may.
template <class Key = std::string, class T = std::string, class ValueCodec = Codec<T>,
          class CodecOfKey = KeyCodec<Key>>
class LoadingCache : public TypedCache<Key, T, ValueCodec, CodecOfKey> {
  using Typed = TypedCache<Key, T, ValueCodec, CodecOfKey>;

 public:
  // As TypedCache. `seed` is that of the jitter; not given: from the system's random device.
  explicit LoadingCache(Cache& cache, std::string prefix = {}, std::optional<uint64_t> seed = std::nullopt,
                        ValueCodec value_codec = {}, CodecOfKey key_codec = {})
      : Typed(cache, std::move(prefix), std::move(value_codec), std::move(key_codec)),
        loader_(std::make_unique<Loader>(cache, seed, Typed::kIsKeyBinary)) {}

  // The value of `key`, from the cache or from `load`, which is called as load(key), without a lock held.
  // Errors: as Loader::get_or_load returns them. A hit costs what get does.
  template <class Load>
  [[nodiscard]] absl::StatusOr<T> get_or_load(const View<Key>& key, const LoadOptions& options, Load&& load) {
    std::optional<T> value;
    typename Typed::ValueBuffer buffer;
    const auto bring = [&](std::span<const size_t>, Loader::Deliver deliver) {
      absl::StatusOr<T> loaded = outcome(load(key));
      if (!loaded.ok()) return loaded.status();
      value = *std::move(loaded);
      deliver(0, this->encode(*value, buffer));
      return absl::OkStatus();
    };
    const absl::Status status = loader_->get_or_load(typename Typed::KeyBytes(*this, key), options, bring,
                                                     shower([&](size_t) -> auto& { return value; }));
    if (!status.ok()) return status;
    return *std::move(value);
  }

  // The same for many keys, which may repeat. Those that are to be loaded are loaded together: with one call
  // load(std::span<const Key> missing), or further ones for keys that somebody elsewhere was loading and did not
  // bring. It returns std::vector<std::optional<T>>, or absl::StatusOr of one, an element for each missing key in
  // order; nothing: there is none. Element i of the result belongs to keys[i].
  template <class Load>
  [[nodiscard]] std::vector<absl::StatusOr<T>> get_or_load_multi(std::span<const Key> keys,
                                                                 const LoadOptions& options, Load&& load) {
    std::vector<std::optional<T>> values(keys.size());
    const auto bring = [&](std::span<const size_t> wanted, Loader::Deliver deliver) {
      std::vector<Key> missing;
      missing.reserve(wanted.size());
      for (const size_t index : wanted) missing.push_back(keys[index]);
      absl::StatusOr<std::vector<std::optional<T>>> loaded = load(std::span<const Key>(missing));
      if (!loaded.ok()) return loaded.status();
      if (loaded->size() != wanted.size()) {
        return absl::InternalError("the load function returned another number of values than of keys");
      }
      for (size_t i = 0; i < wanted.size(); ++i) {
        std::optional<T>& value = values[wanted[i]] = std::move((*loaded)[i]);
        typename Typed::ValueBuffer buffer;
        std::optional<std::string_view> bytes;
        if (value) bytes = this->encode(*value, buffer);
        deliver(wanted[i], bytes);
      }
      return absl::OkStatus();
    };
    const std::vector<absl::Status> statuses =
        loader_->get_or_load_multi(typename Typed::KeyBytesList(*this, keys).views(), options, bring,
                                   shower([&](size_t index) -> auto& { return values[index]; }));
    std::vector<absl::StatusOr<T>> results;
    results.reserve(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].ok()) {
        results.emplace_back(*std::move(values[i]));
      } else {
        results.emplace_back(statuses[i]);
      }
    }
    return results;
  }

  // What its loads have come to: see Loader::stats.
  [[nodiscard]] LoadStats load_stats() const { return loader_->stats(); }

 private:
  // What a load function has returned.
  template <class Loaded>
  static absl::StatusOr<T> outcome(Loaded&& loaded) {
    if constexpr (std::is_same_v<std::remove_cvref_t<Loaded>, std::optional<T>>) {
      if (!loaded) return absl::NotFoundError("there is nothing to load");
      return *std::forward<Loaded>(loaded);
    } else {
      return std::forward<Loaded>(loaded);
    }
  }

  // Decodes into the place of each index. A value that was decoded before stays where the new bytes are none.
  template <class Place>
  auto shower(Place place) {
    return [this, place](size_t index, std::string_view bytes) {
      std::optional<T> value = this->decode(bytes);
      if (!value) return false;
      place(index) = std::move(value);
      return true;
    };
  }

  std::unique_ptr<Loader> loader_;
};

}  // namespace larder

#endif  // LARDER_LOADING_CACHE_H_
