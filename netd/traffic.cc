#include "netd/traffic.h"

#include <fmt/format.h>

#include "netd/key_text.h"

namespace netd {
namespace {

std::string_view word_of(Command command) {
  switch (command) {
    case Command::kAdd:
      return "add";
    case Command::kReplace:
      return "replace";
    case Command::kAppend:
      return "append";
    case Command::kPrepend:
      return "prepend";
    case Command::kCas:
      return "cas";
    default:
      return "set";
  }
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

}  // namespace

void Traffic::observe_get(const Session& session, std::string_view key, std::optional<size_t> value_bytes) {
  if (server_.detail_enabled.load(std::memory_order_relaxed)) prefixes_.count_get(key, value_bytes.has_value());
  if (!server_.watch_hub().wants(kWatchFetchers)) return;
  server_.watch_hub().tell(
      kWatchFetchers, server_.clock().unix_ms(),
      fmt::format("item_get key={} status={} clsid={} cfd={} size={}", percent_encoded(key),
                  value_bytes ? "found" : "not_found", value_bytes ? class_of(key.size() + *value_bytes) : 0,
                  session.fd, value_bytes.value_or(0)));
}

void Traffic::stored(const Session& session, const Request& request, larder::StoreResult result) {
  count(request.key, request.value.size(), ClassCounter::kStores);
  if (result == larder::StoreResult::kNoMemory) {
    count(request.key, request.value.size(), ClassCounter::kOutOfMemory);
  } else if (request.command == Command::kCas && result == larder::StoreResult::kStored) {
    count(request.key, request.value.size(), ClassCounter::kCasHits);
  } else if (request.command == Command::kCas && result == larder::StoreResult::kExists) {
    count(request.key, request.value.size(), ClassCounter::kCasBadval);
  }
  if (server_.detail_enabled.load(std::memory_order_relaxed)) prefixes_.count_set(request.key);
  if (server_.watch_hub().wants(kWatchMutations)) tell_store(session, request, status_of(result));
}

void Traffic::refused(const Session& session, const Request& request, std::string_view status) {
  if (server_.detail_enabled.load(std::memory_order_relaxed)) prefixes_.count_set(request.key);
  if (server_.watch_hub().wants(kWatchMutations)) tell_store(session, request, status);
}

void Traffic::tell_store(const Session& session, const Request& request, std::string_view status) {
  const size_t item_bytes = request.key.size() + request.value.size();
  server_.watch_hub().tell(kWatchMutations, server_.clock().unix_ms(),
                           fmt::format("item_store key={} status={} cmd={} ttl={} clsid={} cfd={} size={}",
                                       percent_encoded(request.key), status, word_of(request.command),
                                       request.exptime, class_of(item_bytes), session.fd, request.value.size()));
}

void Traffic::deleted(std::string_view word, std::string_view key, std::optional<size_t> value_bytes) {
  if (value_bytes) count(key, *value_bytes, ClassCounter::kDeleteHits);
  if (server_.detail_enabled.load(std::memory_order_relaxed)) prefixes_.count_delete(key);
  if (!value_bytes || !server_.watch_hub().wants(kWatchDeletions)) return;
  server_.watch_hub().tell(kWatchDeletions, server_.clock().unix_ms(),
                           fmt::format("deleted key={} cmd={} clsid={} size={}", percent_encoded(key), word,
                                       class_of(key.size() + *value_bytes), *value_bytes));
}

}  // namespace netd
