// larder.h over cache.h.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "larder/cache.h"
#include "larder/handle.h"
#include "larder/larder.h"

namespace {

larder::Cache& cache_of(larder_cache* cache) { return *reinterpret_cast<larder::Cache*>(cache); }
const larder::Cache& cache_of(const larder_cache* cache) { return *reinterpret_cast<const larder::Cache*>(cache); }

std::string_view bytes_of(const void* bytes, size_t count) { return {static_cast<const char*>(bytes), count}; }

larder::Expiry expiry_of(int64_t ttl_ms) {
  return ttl_ms < 0 ? larder::Expiry::never() : larder::Expiry::after(std::chrono::milliseconds(ttl_ms));
}

larder::SetOptions how(int64_t ttl_ms, uint32_t flags) {
  larder::SetOptions options;
  options.expiry = expiry_of(ttl_ms);
  options.flags = flags;
  return options;
}

larder_status status_of(larder::StoreResult result) {
  switch (result) {
    case larder::StoreResult::kStored:
      return LARDER_OK;
    case larder::StoreResult::kNotStored:
      return LARDER_NOT_STORED;
    case larder::StoreResult::kExists:
      return LARDER_EXISTS;
    case larder::StoreResult::kNotFound:
      return LARDER_NOT_FOUND;
    case larder::StoreResult::kTooLarge:
      return LARDER_TOO_LARGE;
    case larder::StoreResult::kNoMemory:
      return LARDER_NO_MEMORY;
    case larder::StoreResult::kBadKey:
      break;
  }
  return LARDER_BAD_KEY;
}

void say(std::string_view text, char* room, size_t room_bytes) {
  if (room == nullptr || room_bytes == 0) return;
  const size_t size = std::min(text.size(), room_bytes - 1);
  std::memcpy(room, text.data(), size);
  room[size] = '\0';
}

}  // namespace

larder_status larder_create(const larder_options* options, larder_cache** cache, char* error, size_t error_bytes) {
  larder_options given{};
  *cache = nullptr;
  if (options != nullptr && options->struct_bytes < sizeof given.struct_bytes) {
    say("struct_bytes is not sizeof(larder_options)", error, error_bytes);
    return LARDER_BAD_OPTION;
  }
  if (options != nullptr) std::memcpy(&given, options, std::min(options->struct_bytes, sizeof given));
  larder::Options all;
  if (given.memory_limit_bytes != 0) all.memory_limit_bytes = given.memory_limit_bytes;
  all.item_bytes_max =
      given.item_bytes_max != 0 ? given.item_bytes_max : std::min(all.item_bytes_max, all.memory_limit_bytes / 4);
  absl::StatusOr<std::unique_ptr<larder::Cache>> made = larder::Cache::create(all);
  say(made.ok() ? std::string() : std::string(made.status().message()), error, error_bytes);
  if (!made.ok()) return absl::IsInvalidArgument(made.status()) ? LARDER_BAD_OPTION : LARDER_NO_MEMORY;
  *cache = reinterpret_cast<larder_cache*>(made->release());
  return LARDER_OK;
}

void larder_destroy(larder_cache* cache) { delete reinterpret_cast<larder::Cache*>(cache); }

larder_status larder_set(larder_cache* cache, const void* key, size_t key_bytes, const void* value,
                         size_t value_bytes, int64_t ttl_ms, uint32_t flags) {
  return status_of(cache_of(cache).set(bytes_of(key, key_bytes), bytes_of(value, value_bytes), how(ttl_ms, flags)));
}

larder_status larder_add(larder_cache* cache, const void* key, size_t key_bytes, const void* value,
                         size_t value_bytes, int64_t ttl_ms, uint32_t flags) {
  return status_of(cache_of(cache).add(bytes_of(key, key_bytes), bytes_of(value, value_bytes), how(ttl_ms, flags)));
}

larder_status larder_cas(larder_cache* cache, const void* key, size_t key_bytes, const void* value,
                         size_t value_bytes, int64_t ttl_ms, uint32_t flags, uint64_t cas) {
  return status_of(
      cache_of(cache).cas(bytes_of(key, key_bytes), bytes_of(value, value_bytes), cas, how(ttl_ms, flags)));
}

larder_status larder_get(larder_cache* cache, const void* key, size_t key_bytes, larder_item* item) {
  *item = {};
  larder::Handle held = cache_of(cache).hold(bytes_of(key, key_bytes));
  if (!held) return LARDER_NOT_FOUND;
  auto* const handle = new (std::nothrow) larder::Handle(std::move(held));
  if (handle == nullptr) return LARDER_NO_MEMORY;
  const larder::ItemView& shown = **handle;
  *item = {.value = shown.value.data(),
           .value_bytes = shown.value.size(),
           .cas = shown.cas,
           .ttl_ms = shown.ttl_ms == larder::kNeverExpires ? -1 : shown.ttl_ms,
           .flags = shown.flags,
           .handle = handle};
  return LARDER_OK;
}

void larder_release(larder_item* item) {
  delete static_cast<larder::Handle*>(item->handle);
  *item = {};
}

larder_status larder_read(larder_cache* cache, const void* key, size_t key_bytes, void* room, size_t room_bytes,
                          size_t* value_bytes) {
  *value_bytes = 0;
  larder_status status = LARDER_NOT_FOUND;
  cache_of(cache).visit(bytes_of(key, key_bytes), [&](const larder::ItemView& item) {
    *value_bytes = item.value.size();
    status = item.value.size() <= room_bytes ? LARDER_OK : LARDER_TOO_LARGE;
    if (status == LARDER_OK && !item.value.empty()) std::memcpy(room, item.value.data(), item.value.size());
  });
  return status;
}

larder_status larder_erase(larder_cache* cache, const void* key, size_t key_bytes) {
  return cache_of(cache).erase(bytes_of(key, key_bytes)) == larder::EraseResult::kErased ? LARDER_OK
                                                                                         : LARDER_NOT_FOUND;
}

larder_status larder_touch(larder_cache* cache, const void* key, size_t key_bytes, int64_t ttl_ms) {
  return cache_of(cache).touch(bytes_of(key, key_bytes), expiry_of(ttl_ms)) ? LARDER_OK : LARDER_NOT_FOUND;
}

void larder_flush(larder_cache* cache) { cache_of(cache).flush_all(); }

void larder_get_stats(const larder_cache* cache, larder_stats* stats, size_t stats_bytes) {
  const larder::Stats all = cache_of(cache).stats();
  const larder_stats counted{.items = all.items,
                             .item_bytes = all.item_bytes,
                             .memory_used_bytes = all.memory_used_bytes,
                             .memory_limit_bytes = all.memory_limit_bytes,
                             .get_hits = all.get_hits,
                             .get_misses = all.get_misses,
                             .stores = all.stores,
                             .evictions = all.evictions,
                             .expired = all.expired};
  std::memset(stats, 0, stats_bytes);
  std::memcpy(stats, &counted, std::min(stats_bytes, sizeof counted));
}
