#include "netd/retrieval.h"

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "netd/exptime.h"
#include "netd/reply.h"
#include "netd/reply_words.h"
#include "netd/tokens.h"

namespace netd {
namespace {

constexpr size_t kBatchKeys = 32;
// So that a line of a million keys does not keep other clients waiting.
constexpr size_t kKeysPerTurn = 1024;

bool with_cas(const Request& request) {
  return request.command == Command::kGets || request.command == Command::kGats;
}

bool touches(const Request& request) {
  return request.command == Command::kGat || request.command == Command::kGats;
}

// The octets of `text` from `part`, which is a piece of it, on.
std::string_view from(std::string_view text, std::string_view part) {
  return text.substr(static_cast<size_t>(part.data() - text.data()));
}

// Looks up the next keys in one step. Should their values not fit into `out`, the keys from the first such on
// stay, marked as counted.
size_t answer_batch(larder::Cache& cache, Request& request, Buffer& out) {
  std::array<std::string_view, kBatchKeys> keys;
  size_t count = 0;
  std::string_view rest = request.keys;
  while (count < kBatchKeys) {
    const std::string_view key = take_token(rest);
    if (key.empty()) break;
    keys[count++] = key;
  }
  std::optional<size_t> first_left;
  cache.get_multi(std::span(keys).first(count), [&](size_t index, const larder::ItemView& item) {
    if (!first_left && out.size() >= kReplyBytesMax) first_left = index;
    if (!first_left) append_value(item, with_cas(request), out);
  });
  if (first_left) {
    request.keys = from(request.keys, keys[*first_left]);
    request.keys_counted_bytes = request.keys.size() - rest.size();
  } else {
    request.keys = rest;
  }
  return count;
}

// For a key that answer_batch has looked up and counted.
void answer_counted(larder::Cache& cache, Request& request, Buffer& out) {
  const size_t before = request.keys.size();
  const std::string_view key = take_token(request.keys);
  request.keys_counted_bytes -= before - request.keys.size();
  if (const std::optional<larder::Item> item = cache.peek(key)) {
    append_value({key, item->value, item->flags, item->cas, item->ttl_ms}, with_cas(request), out);
  }
}

void answer_touching(larder::Cache& cache, Request& request, Buffer& out) {
  const std::string_view key = take_token(request.keys);
  cache.visit_and_touch(key, expiry_of(request.exptime), [&](const larder::ItemView& item) {
    append_value(item, with_cas(request), out);
  });
}

// Answers at least one key, and returns how many.
size_t answer_some(larder::Cache& cache, Request& request, Buffer& out) {
  if (request.keys_counted_bytes > 0) {
    answer_counted(cache, request, out);
  } else if (touches(request)) {
    answer_touching(cache, request, out);
  } else {
    return answer_batch(cache, request, out);
  }
  return 1;
}

}  // namespace

bool continue_retrieval(larder::Cache& cache, Request& request, Buffer& out) {
  for (size_t keys = 0; request.keys.find_first_not_of(' ') != std::string_view::npos;) {
    if (out.size() >= kReplyBytesMax || keys >= kKeysPerTurn) return false;
    keys += answer_some(cache, request, out);
  }
  out.append(kReplyEnd);
  return true;
}

}  // namespace netd
