// LoadingCache: a typed cache that loads the values it does not have.
//
//   larder::LoadingCache<uint64_t, User> users(cache, "user:");
//   absl::StatusOr<User> user =
//       users.get_or_load(42, {.ttl = 5min}, [&](uint64_t id) { return database.user(id); });
//
// However many threads ask for a missing key, one of them loads it, and the others get its value or its error.
// Clients of a server of the same cache that use meta commands take part. loader.h describes what happens when
// keys are erased and when loads fail or take long; LoadOptions there are the options. While a key is being loaded
// or is known to be absent, it is missing for the functions of TypedCache and Cache.
//
// LoadingCache<> has strings as keys and values.
//
// A load function takes a key and returns one of
//   absl::StatusOr<T>   NotFound means that there is no value, which can be cached (LoadOptions::absent_ttl). Any
//                       other error goes to all waiting callers, and is not cached.
//   std::optional<T>    nothing: there is no value.
//   T                   the value.
// or one of these with a larder::Loaded<T> (loaded.h) in place of the T, to say how long this value is good.
// If it throws, all waiting callers get the exception, if the program and the library are built with exceptions.
//
// Use one LoadingCache per cache and prefix. Two of them also load a key only once, but wait by polling.
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
#include "larder/internal/loader/background.h"
#include "larder/internal/loader/bounds.h"
#include "larder/loaded.h"
#include "larder/loader.h"
#include "larder/typed_cache.h"

namespace larder {

// A typed cache that loads what is missing. Thread-safe; may be moved as TypedCache may.
template <class Key = std::string, class T = std::string, class ValueCodec = Codec<T>,
          class CodecOfKey = KeyCodec<Key>>
class LoadingCache : public TypedCache<Key, T, ValueCodec, CodecOfKey> {
  using Typed = TypedCache<Key, T, ValueCodec, CodecOfKey>;

 public:
  // Like TypedCache. `seed` is for the jitter; not given: taken from the system's random device.
  explicit LoadingCache(Cache& cache, std::string prefix = {}, std::optional<uint64_t> seed = std::nullopt,
                        ValueCodec value_codec = {}, CodecOfKey key_codec = {})
      : Typed(cache, std::move(prefix), std::move(value_codec), std::move(key_codec)),
        loader_(std::make_unique<Loader>(cache, seed, Typed::kIsKeyBinary)) {}

  // The value of `key`, from the cache or from `load`, which is called as load(key), without a lock held. Errors:
  // those of Loader::get_or_load. `source`: takes where the answer has come from; may be null. A hit costs as much
  // as get.
  template <class Load>
  [[nodiscard]] absl::StatusOr<T> get_or_load(const View<Key>& key, const LoadOptions& options, Load&& load,
                                              LoadSource* source = nullptr) {
    const auto refresh = [&](std::span<const size_t>) {
      if constexpr (kMayRunLater<Load>) refresh_later(key, options, load);
    };
    const Loader::Refresh refresher = refresh;
    return get_or_load(key, options, load, source, defers<Load>() ? &refresher : nullptr);
  }

  // The same for many keys, which may repeat. The missing ones are loaded together, with one call of
  // load(std::span<const Key> missing), and further calls for keys that somebody elsewhere was loading and did not
  // store. `load` returns std::vector<std::optional<T>>, or absl::StatusOr of one, with an element for each
  // missing key in order; nothing: there is no value. Element i of the result belongs to keys[i], and so does
  // sources[i], if there is room for one for each.
  template <class Load>
  [[nodiscard]] std::vector<absl::StatusOr<T>> get_or_load_multi(std::span<const Key> keys,
                                                                 const LoadOptions& options, Load&& load,
                                                                 std::span<LoadSource> sources = {}) {
    const auto refresh = [&](std::span<const size_t> due) {
      if constexpr (kMayRunLater<Load>) refresh_later(keys, due, options, load);
    };
    const Loader::Refresh refresher = refresh;
    return get_or_load_multi(keys, options, load, sources, defers<Load>() ? &refresher : nullptr);
  }

  // From now on, whoever asks for a value that is due (LoadOptions::refresh_ahead), or was invalidated, gets it as
  // it is, and `executor` is given a task that loads it: nobody waits for a refresh. The task has a copy of the
  // load function, which must then still be usable. (Of functions that cannot be copied, the caller loads.) Call it
  // before other threads use this, which then must not be moved, nor end before all tasks have run or been
  // destroyed. An empty `executor`: callers refresh, as they did.
  void refresh_in_background(LoadExecutor executor) { background_.set_executor(std::move(executor)); }

  // The counters of its loads: see Loader::stats.
  [[nodiscard]] LoadStats load_stats() const { return loader_->stats(); }

 private:
  template <class Load>
  static constexpr bool kMayRunLater = std::is_copy_constructible_v<std::decay_t<Load>>;
  template <class Load>
  [[nodiscard]] bool defers() const {
    return kMayRunLater<Load> && background_.are_on();
  }

  template <class Load>
  void refresh_later(const View<Key>& key, const LoadOptions& options, const Load& load) {
    std::shared_ptr<const void> running = background_.begin(typename Typed::KeyBytes(*this, key));
    if (running == nullptr) return;
    background_.run([this, running = std::move(running), own_key = Key(key), options, load]() mutable {
      Loader::call_ignoring_exceptions([&] { (void)get_or_load(own_key, options, load, nullptr, nullptr); });
      running = nullptr;
    });
  }
  template <class Load>
  void refresh_later(std::span<const Key> keys, std::span<const size_t> due, const LoadOptions& options,
                     const Load& load) {
    std::vector<std::shared_ptr<const void>> running;
    std::vector<Key> own_keys;
    for (const size_t index : due) {
      running.push_back(background_.begin(typename Typed::KeyBytes(*this, keys[index])));
      if (running.back() != nullptr) own_keys.push_back(keys[index]);
    }
    if (own_keys.empty()) return;
    background_.run([this, running = std::move(running), own_keys = std::move(own_keys), options, load]() mutable {
      Loader::call_ignoring_exceptions([&] { (void)get_or_load_multi(own_keys, options, load, {}, nullptr); });
      running.clear();
    });
  }

  template <class Load>
  [[nodiscard]] absl::StatusOr<T> get_or_load(const View<Key>& key, const LoadOptions& options, Load& load,
                                              LoadSource* source, const Loader::Refresh* refresh) {
    constexpr bool kMayKnowMore = internal::kHasLoaded<std::remove_cvref_t<decltype(load(key))>>;
    std::optional<T> value;
    typename Typed::ValueBuffer buffer;
    // Those of this value, when it has been loaded.
    std::conditional_t<kMayKnowMore, LoadOptions, const LoadOptions&> own_options = options;
    const auto bring = [&](std::span<const size_t>, Loader::Deliver deliver) {
      auto loaded = outcome(load(key));
      if (!loaded.ok()) return loaded.status();
      if constexpr (kMayKnowMore) {
        if (loaded->ttl) own_options.ttl = loaded->ttl;
        if (loaded->flags) own_options.flags = *loaded->flags;
        value = std::move(loaded->value);
      } else {
        value = *std::move(loaded);
      }
      deliver(0, this->encode(*value, buffer));
      return absl::OkStatus();
    };
    const absl::Status status =
        loader_->get_or_load(typename Typed::KeyBytes(*this, key), own_options, bring,
                             shower([&](size_t) -> auto& { return value; }), source, refresh);
    if (!status.ok()) return status;
    return *std::move(value);
  }

  template <class Load>
  [[nodiscard]] std::vector<absl::StatusOr<T>> get_or_load_multi(std::span<const Key> keys,
                                                                 const LoadOptions& options, Load& load,
                                                                 std::span<LoadSource> sources,
                                                                 const Loader::Refresh* refresh) {
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
                                   shower([&](size_t index) -> auto& { return values[index]; }), sources, refresh);
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

  // Turns what a load function returned into a StatusOr.
  template <class Result>
  static auto outcome(Result&& result) {
    using Plain = std::remove_cvref_t<Result>;
    using Value = std::conditional_t<internal::kHasLoaded<Plain>, Loaded<T>, T>;
    using Outcome = absl::StatusOr<Value>;
    if constexpr (std::is_same_v<Plain, std::optional<Value>>) {
      if (!result) return Outcome(internal::absence());
      return Outcome(*std::forward<Result>(result));
    } else {
      return Outcome(std::forward<Result>(result));
    }
  }

  // Decodes into the place of each index. If the new bytes are not a value, a value decoded before stays.
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
  internal::BackgroundRefreshes background_;
};

}  // namespace larder

#endif  // LARDER_LOADING_CACHE_H_
