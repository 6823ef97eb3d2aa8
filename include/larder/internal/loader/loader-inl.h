#ifndef LARDER_INTERNAL_LOADER_LOADER_INL_H_
#define LARDER_INTERNAL_LOADER_LOADER_INL_H_

#include <algorithm>
#include <exception>
#include <functional>
#include <random>
#include <utility>

#include "larder/api.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/internal/loader/call-inl.h"
#include "larder/internal/loader/call_catching.h"
#include "larder/internal/loader/flight.h"
#include "larder/internal/loader/placeholder.h"
#include "larder/loader.h"

namespace larder {
namespace internal {

LARDER_INLINE absl::Status call_catching(FunctionRef<absl::Status()> call, std::exception_ptr& exception) {
#ifdef __cpp_exceptions
  try {
    return call();
  } catch (...) {
    exception = std::current_exception();
    return absl::InternalError("the load function threw an exception");
  }
#else
  (void)exception;
  return call();
#endif
}

}  // namespace internal

LARDER_INLINE Loader::Loader(Cache& cache, std::optional<uint64_t> seed, bool is_key_binary)
    : engine_(internal::CacheAccess::engine(cache)),
      seed_(seed ? *seed : std::random_device()()),
      is_key_binary_(is_key_binary),
      stripes_(std::make_unique<Stripe[]>(internal::kLoaderStripes)) {}

LARDER_INLINE Loader::~Loader() = default;

LARDER_INLINE std::vector<absl::Status> Loader::get_or_load_multi(std::span<const std::string_view> keys,
                                                                  const LoadOptions& options, Load load, Show show,
                                                                  std::span<LoadSource> sources,
                                                                  const Refresh* refresh) {
  std::vector<Look> looks(keys.size());
  internal::look_as_loader(engine_, keys, [&](size_t index, const ItemView& item) {
    looks[index] = look_at(item, index, options, show);
  });
  std::vector<Answer> results(keys.size());
  load_missing(keys, looks, options, load, show, refresh, results);
  std::vector<absl::Status> statuses;
  statuses.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    statuses.push_back(std::move(results[i].status));
    if (i < sources.size()) sources[i] = results[i].source;
  }
  return statuses;
}

LARDER_INLINE void Loader::load_missing(std::span<const std::string_view> keys, std::span<const Look> looks,
                                        const LoadOptions& options, Load load, Show show, const Refresh* refresh,
                                        std::span<Answer> results) {
  Call call(*this, options, load, show);
  std::vector<size_t> due;
  for (size_t i = 0; i < keys.size(); ++i) {
    const bool is_refreshed = refresh != nullptr && looks[i].worth == Worth::kDue && !looks[i].is_absence;
    if (is_refreshed && !looks[i].is_won) due.push_back(i);
    if (looks[i].suffices() || is_refreshed) {
      results[i] = {.status = answer(looks[i]), .source = looks[i].source()};
    } else if (keys[i].empty() || keys[i].size() > kKeyBytesMax) {
      results[i].status = absl::InvalidArgumentError("a key is empty or longer than kKeyBytesMax");
    } else {
      call.add(keys[i], i, looks[i]);
    }
  }
  if (!due.empty()) (*refresh)(due);
  call.run(results);
}

LARDER_INLINE void Loader::call_ignoring_exceptions(FunctionRef<void()> call) {
  std::exception_ptr ignored;
  const auto call_it = [&] {
    call();
    return absl::OkStatus();
  };
  (void)internal::call_catching(call_it, ignored);
}

LARDER_INLINE bool Loader::look_up(std::string_view key, FunctionRef<void(const ItemView& item)> visitor) {
  return internal::look_as_loader(engine_, key, visitor);
}

LARDER_INLINE Loader::Look Loader::look_at(const ItemView& item, size_t index, const LoadOptions& options,
                                           Show show) {
  Look look{.is_won = item.is_won, .is_stale = item.is_stale, .is_absence = item.is_absence, .cas = item.cas};
  if (!look.is_absence && !(has_value(item) && show(index, item.value))) return look;
  look.worth = item.is_stale ? Worth::kDue : Worth::kFresh;
  if (item.expiry_ttl_ms == kNeverExpires) return look;
  const int64_t fresh_ms =
      item.expiry_ttl_ms - (item.has_grace ? internal::bounded_duration(options.stale_grace).count() : 0);
  if (fresh_ms <= 0) {
    look.worth = Worth::kLapsed;
  } else if (!look.is_absence && fresh_ms < options.refresh_ahead.count()) {
    look.worth = Worth::kDue;
  }
  return look;
}

LARDER_INLINE absl::Status Loader::answer(const Look& look) {
  if (!look.is_absence) return absl::OkStatus();
  counts_.absent_hits.fetch_add(1);
  return internal::absence();
}

LARDER_INLINE Loader::Stripe& Loader::stripe_of(std::string_view key) const {
  return stripes_[std::hash<std::string_view>{}(key) % internal::kLoaderStripes];
}

LARDER_INLINE Expiry Loader::expiry_of(bool is_absence, const LoadOptions& options) {
  if (!is_absence && !options.ttl) return Expiry::never();
  const milliseconds ttl = internal::bounded_duration(is_absence ? options.absent_ttl : *options.ttl);
  if (ttl == milliseconds(0)) return ttl;
  // Relaxed: it only has to give every caller another number.
  const uint64_t draw = jitter_count_.fetch_add(1);
  const uint64_t random = internal::hash_key({reinterpret_cast<const char*>(&draw), sizeof draw}, seed_);
  return internal::less_jitter(ttl, options.ttl_jitter, random) + internal::bounded_duration(options.stale_grace);
}

}  // namespace larder

#endif  // LARDER_INTERNAL_LOADER_LOADER_INL_H_
