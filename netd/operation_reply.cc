#include "netd/operation_reply.h"

#include <array>
#include <charconv>

#include "netd/commands.h"
#include "netd/meta_reply.h"
#include "netd/reply.h"
#include "netd/reply_words.h"
#include "netd/reply_writer.h"

namespace netd {
namespace {

// The line of a classic reply, and the code that a meta reply begins with; without one, the line, an error, is the
// whole meta reply, too.
struct Words {
  std::string_view line;
  std::string_view code = {};
};

// In the order of larder::StoreResult.
constexpr auto kStoreWords = std::to_array<Words>({
    {kReplyStored, kMetaDone},
    {kReplyNotStored, kMetaNotStored},
    {kReplyExists, kMetaExists},
    {kReplyNotFound, kMetaNotFound},
    {kErrorTooLarge},
    {kErrorNoMemoryStoring},
    {kErrorBadFormat},
});
static_assert(kStoreWords.size() == static_cast<size_t>(larder::StoreResult::kBadKey) + 1);

Words words_of(larder::EraseResult result) {
  switch (result) {
    case larder::EraseResult::kErased:
      return {kReplyDeleted, kMetaDone};
    case larder::EraseResult::kExists:
      return {kReplyExists, kMetaExists};
    case larder::EraseResult::kNotFound:
      break;
  }
  return {kReplyNotFound, kMetaNotFound};
}

// Of a count that failed.
Words words_of(larder::CounterStatus status) {
  switch (status) {
    case larder::CounterStatus::kExists:
      return {kReplyExists, kMetaExists};
    case larder::CounterStatus::kNotANumber:
      return {kErrorNotANumber};
    case larder::CounterStatus::kNoMemory:
      return {kErrorNoMemory};
    case larder::CounterStatus::kBadKey:
      return {kErrorBadFormat};
    default:
      return {kReplyNotFound, kMetaNotFound};
  }
}

// A reply that tells of the key only what the request has said.
MetaReply reply_with(std::string_view code, const Request& request) {
  MetaReply reply;
  reply.code = code;
  reply.key = item_key(request);
  reply.is_key_binary = request.binary_key.has_value();
  return reply;
}

MetaReply reply_with(const larder::Reading& reading, const Request& request) {
  const larder::ItemView& item = reading.item;
  const bool is_known = request.compare == item.cas;
  MetaReply reply;
  reply.code = kMetaDone;
  reply.key = item.key;
  reply.is_key_binary = item.is_key_binary;
  if (request.with_value && !is_known) {
    reply.code = kMetaValue;
    reply.value = item.value;
  }
  reply.value_bytes = item.value.size();
  reply.client_flags = item.flags;
  reply.cas = item.cas;
  reply.was_fetched = reading.was_fetched ? 1 : 0;
  reply.idle_s = reading.idle_s;
  reply.ttl_ms = item.ttl_ms;
  reply.previous_ttl_ms = reading.previous_ttl_ms;
  reply.was_won = item.is_won && !reading.has_won;
  reply.is_stale = item.is_stale;
  reply.has_won = reading.has_won;
  return reply;
}

void append(const MetaReply& reply, const Request& request, Buffer& out) {
  if (!append_meta(reply, request.flags, out)) out.append(kErrorNoMemoryWriting);
}

// What `q` suppresses is success.
void append_unless_quiet(const MetaReply& reply, const Request& request, Buffer& out) {
  if (!request.quiet || reply.code != kMetaDone) append(reply, request, out);
}

void append_stored(std::string_view code, const larder::StoreOutcome& outcome, const Request& request,
                   Buffer& out) {
  MetaReply reply = reply_with(code, request);
  reply.cas = outcome.cas;
  reply.value_bytes = code == kMetaDone ? outcome.value_bytes : request.value.size();
  append_unless_quiet(reply, request, out);
}

void append_counted(const larder::CounterResult& result, const Request& request, Buffer& out) {
  // Creation is told: it is not what was asked for, but what N has made of a miss.
  if (request.quiet && result.status == larder::CounterStatus::kDone) return;
  char digits[kDecimalBytesMax];
  const char* const end = std::to_chars(digits, digits + sizeof digits, result.value).ptr;
  MetaReply reply = reply_with(kMetaDone, request);
  if (request.with_value) {
    reply.code = kMetaValue;
    reply.value = std::string_view(digits, static_cast<size_t>(end - digits));
  }
  reply.cas = result.cas;
  reply.ttl_ms = result.ttl_ms;
  reply.previous_ttl_ms = result.previous_ttl_ms;
  append(reply, request, out);
}

}  // namespace

void answer(const Request& request, std::string_view line, Buffer& out) {
  if (!request.noreply) out.append(line);
}

void answer(const Request& request, const larder::StoreOutcome& outcome, Buffer& out) {
  const Words& words = kStoreWords[static_cast<size_t>(outcome.result)];
  if (!request.command->has_flags() || words.code.empty()) return answer(request, words.line, out);
  append_stored(words.code, outcome, request, out);
}

void answer(const Request& request, larder::EraseResult result, Buffer& out) {
  const Words words = words_of(result);
  if (!request.command->has_flags()) return answer(request, words.line, out);
  append_unless_quiet(reply_with(words.code, request), request, out);
}

void answer(const Request& request, const larder::CounterResult& result, Buffer& out) {
  const bool is_meta = request.command->has_flags();
  if (result.status == larder::CounterStatus::kDone || result.status == larder::CounterStatus::kCreated) {
    if (is_meta) return append_counted(result, request, out);
    if (!request.noreply) append_number(result.value, out);
    return;
  }
  const Words words = words_of(result.status);
  if (!is_meta || words.code.empty()) return answer(request, words.line, out);
  append(reply_with(words.code, request), request, out);
}

void answer_touched(const Request& request, bool is_found, Buffer& out) {
  answer(request, is_found ? kReplyTouched : kReplyNotFound, out);
}

void answer(const Request& request, const larder::Reading& reading, Buffer& out) {
  append(reply_with(reading, request), request, out);
}

void answer_missing(const Request& request, Buffer& out) {
  if (!request.quiet) append(reply_with(kMetaMissing, request), request, out);
}

void answer_inspected(const Request& request, const std::optional<larder::ItemDetails>& item, Buffer& out) {
  if (!item) return out.append(kReplyMetaMissing);
  if (!append_meta_debug(item_key(request), *item, out)) out.append(kErrorNoMemoryWriting);
}

}  // namespace netd
