#include "netd/traffic.h"

#include <fmt/format.h>

#include "larder/serving.h"
#include "netd/commands.h"
#include "netd/key_text.h"

namespace netd {
namespace {

std::string_view word_of(const larder::StoreOptions& options) {
  if (options.is_cas()) return "cas";
  switch (options.mode) {
    case larder::StoreMode::kAdd:
      return "add";
    case larder::StoreMode::kReplace:
      return "replace";
    case larder::StoreMode::kAppend:
      return "append";
    case larder::StoreMode::kPrepend:
      return "prepend";
    case larder::StoreMode::kSet:
      break;
  }
  return "set";
}

std::string_view status_of(larder::StoreResult result) {
  switch (result) {
    case larder::StoreResult::kStored:
      return "stored";
    case larder::StoreResult::kExists:
      return "exists";
    case larder::StoreResult::kNotFound:
      return "not_found";
    case larder::StoreResult::kTooLarge:
      return "too_large";
    case larder::StoreResult::kNoMemory:
      return "no_memory";
    case larder::StoreResult::kNotStored:
    case larder::StoreResult::kBadKey:
      break;
  }
  return "not_stored";
}

std::string_view status_of(larder::Presence presence) {
  switch (presence) {
    case larder::Presence::kPresent:
      return "found";
    case larder::Presence::kExpired:
      return "expired";
    case larder::Presence::kFlushed:
      return "flushed";
    case larder::Presence::kMissing:
      break;
  }
  return "not_found";
}

}  // namespace

void Traffic::tell_lookup(const Session& session, std::string_view key) {
  const std::optional<larder::ItemDetails> item = larder::inspect(server_.cache(), key);
  const size_t value_bytes = item ? item->value_bytes : 0;
  server_.watch_hub().tell(
      kWatchFetchers, server_.clock().unix_ms(),
      fmt::format("item_get key={} status={} clsid={} cfd={} size={}", percent_encoded(key),
                  status_of(item ? larder::Presence::kPresent : larder::presence(server_.cache(), key)),
                  item ? class_of(key, value_bytes) : 0, session.fd, value_bytes));
}

void Traffic::stored(const Session& session, const Request& request, const larder::StoreOptions& options,
                     const larder::StoreOutcome& outcome) {
  const std::string_view key = item_key(request);
  const size_t value_bytes = request.value.size();
  if (!request.too_large && !request.no_memory) {
    count(key, value_bytes, ClassCounter::kStores);
    if (outcome.result == larder::StoreResult::kNoMemory) count(key, value_bytes, ClassCounter::kOutOfMemory);
    if (options.is_cas() && outcome.result == larder::StoreResult::kStored) {
      count(key, value_bytes, ClassCounter::kCasHits);
    } else if (options.is_cas() && outcome.result == larder::StoreResult::kExists) {
      count(key, value_bytes, ClassCounter::kCasBadval);
    }
  }
  if (counts_prefixes() && !request.command->has_flags()) prefixes_.count_set(key);
  if (!server_.watch_hub().wants(kWatchMutations)) return;
  const bool is_stored = outcome.result == larder::StoreResult::kStored;
  tell_store(session, key, status_of(outcome.result), word_of(options), request.exptime.value_or(0),
             is_stored ? outcome.value_bytes : value_bytes);
}

void Traffic::created(const Session& session, const Request& request, size_t value_bytes) {
  if (!server_.watch_hub().wants(kWatchMutations)) return;
  tell_store(session, item_key(request), "stored", "add", request.vivify.value_or(0), value_bytes);
}

void Traffic::tell_store(const Session& session, std::string_view key, std::string_view status,
                         std::string_view word, int32_t exptime, size_t value_bytes) {
  server_.watch_hub().tell(
      kWatchMutations, server_.clock().unix_ms(),
      fmt::format("item_store key={} status={} cmd={} ttl={} clsid={} cfd={} size={}", percent_encoded(key), status,
                  word, exptime, class_of(key, value_bytes), session.fd, value_bytes));
}

void Traffic::deleted(const Request& request, std::optional<size_t> value_bytes) {
  const std::string_view key = item_key(request);
  if (value_bytes) count(key, *value_bytes, ClassCounter::kDeleteHits);
  if (counts_prefixes() && !request.command->has_flags()) prefixes_.count_delete(key);
  if (!value_bytes || !server_.watch_hub().wants(kWatchDeletions)) return;
  server_.watch_hub().tell(kWatchDeletions, server_.clock().unix_ms(),
                           fmt::format("deleted key={} cmd={} clsid={} size={}", percent_encoded(key),
                                       request.command->word, class_of(key, *value_bytes), *value_bytes));
}

}  // namespace netd
