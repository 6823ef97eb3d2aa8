#include "netd/retrieval.h"

#include <bitset>
#include <optional>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "larder/serving.h"
#include "netd/exptime.h"
#include "netd/reply.h"
#include "netd/reply_words.h"
#include "netd/tokens.h"

namespace netd {
namespace {

constexpr size_t kBatchKeys = 32;
// So that a line of a million keys does not keep other clients waiting.
constexpr size_t kKeysPerTurn = 1024;

// The bytes of `text` from `part`, which is a piece of it, on.
std::string_view from(std::string_view text, std::string_view part) {
  return text.substr(static_cast<size_t>(part.data() - text.data()));
}

class Retrieval {
 public:
  Retrieval(larder::Cache& cache, Traffic& traffic, const Session& session, Request& request, Buffer& out)
      : cache_(cache), traffic_(traffic), session_(session), request_(request), out_(out) {}

  // Answers at least one key, and returns how many.
  size_t answer_some() {
    if (request_.keys_counted_bytes > 0) return answer_counted();
    return request_.exptime ? answer_touching() : answer_batch();
  }

  // A value found no memory: the reply cannot be completed.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  // Looks up the next keys in one step. Should their values not fit into the buffer, the keys from the first such
  // on stay, marked as counted.
  size_t answer_batch() {
    absl::InlinedVector<std::string_view, kBatchKeys> keys;  // An array would be cleared, for one key, too.
    std::string_view rest = request_.keys;
    // A lookup is told before it is made: of two of the same key, the second may find what the first has left.
    const size_t count_max = traffic_.is_reading_watched() ? 1 : kBatchKeys;
    while (keys.size() < count_max) {
      const std::string_view key = take_token(rest);
      if (key.empty()) break;
      keys.push_back(key);
      traffic_.looks_up(session_, key);
    }
    std::optional<size_t> first_left;
    std::bitset<kBatchKeys> found;
    const auto show = [&](size_t index, const larder::ItemView& item) {
      found.set(index);
      traffic_.got(item.key, item.value.size(), ClassCounter::kGetHits);
      if (!first_left && is_full(out_)) first_left = index;
      if (!first_left) append(item);
    };
    if (keys.size() == 1) {  // which is how most ask
      (void)cache_.visit(keys.front(), [&](const larder::ItemView& item) { show(0, item); });
    } else {
      cache_.get_multi(keys, show);
    }
    if (found.count() < keys.size() && traffic_.counts_prefixes()) {
      for (size_t i = 0; i < keys.size(); ++i) {
        if (!found[i]) traffic_.got(keys[i], std::nullopt, ClassCounter::kGetHits);
      }
    }
    request_.keys = first_left ? from(request_.keys, keys[*first_left]) : rest;
    request_.keys_counted_bytes = request_.keys.size() - rest.size();
    return keys.size();
  }

  // For a key that answer_batch has looked up and counted.
  size_t answer_counted() {
    const size_t bytes_before = request_.keys.size();
    const std::string_view key = take_token(request_.keys);
    request_.keys_counted_bytes -= bytes_before - request_.keys.size();
    cache_.peek(key, [this](const larder::ItemView& item) { append(item); });
    return 1;
  }

  size_t answer_touching() {
    const std::string_view key = take_token(request_.keys);
    traffic_.looks_up(session_, key);
    const bool is_found =
        larder::visit_and_touch(cache_, key, expiry_of(*request_.exptime), [this](const larder::ItemView& item) {
          traffic_.got(item.key, item.value.size(), ClassCounter::kTouchHits);
          append(item);
        });
    if (!is_found) traffic_.got(key, std::nullopt, ClassCounter::kTouchHits);
    return 1;
  }

  void append(const larder::ItemView& item) {
    failed_ = failed_ || !append_value(item, request_.mode == 'c', out_);
  }

  larder::Cache& cache_;
  Traffic& traffic_;
  const Session& session_;
  Request& request_;
  Buffer& out_;
  bool failed_ = false;
};

}  // namespace

bool continue_retrieval(larder::Cache& cache, Traffic& traffic, const Session& session, Request& request,
                        Buffer& out) {
  Retrieval retrieval(cache, traffic, session, request, out);
  size_t keys = 0;
  while (request.keys.find_first_not_of(' ') != std::string_view::npos) {
    if (is_full(out) || keys >= kKeysPerTurn) return false;
    keys += retrieval.answer_some();
    if (retrieval.failed()) {
      out.append(kErrorNoMemoryWriting);
      return true;
    }
  }
  out.append(kReplyEnd);
  return true;
}

}  // namespace netd
