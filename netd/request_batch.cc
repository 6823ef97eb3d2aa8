#include "netd/request_batch.h"

#include <algorithm>
#include <span>

#include "larder/serving.h"
#include "netd/tokens.h"

namespace netd {
namespace {

// What is fetched for requests that begin further behind would not be kept until their turn comes.
constexpr size_t kBytesForeseen = 16 << 10;

// Of a retrieval the first key: it has those of its other keys fetched itself.
std::string_view first_key(const Request& request) {
  std::string_view keys = request.keys;
  return keys.empty() ? item_key(request) : take_token(keys);
}

}  // namespace

Parser::Result RequestBatch::fill(std::string_view input, size_t requests_max, Parse parse) {
  next_ = count_ = 0;
  requests_max = std::min(requests_max, kRequestsMax);
  for (size_t bytes = 0; count_ < requests_max && bytes < std::min(input.size(), kBytesForeseen); ++count_) {
    Entry& entry = entries_[count_];
    entry.parsed = parse(input.substr(bytes), entry.request);
    if (!entry.parsed.complete) break;
    bytes += entry.parsed.bytes_consumed;
    if (entry.parsed.bytes_to_skip > 0) requests_max = count_ + 1;
  }
  return entries_.front().parsed;
}

void RequestBatch::prefetch(const larder::Cache& cache) const {
  if (count_ < 2) return;
  std::array<std::string_view, kRequestsMax> keys;
  size_t key_count = 0;
  for (size_t i = 0; i < count_; ++i) {
    if (const std::string_view key = first_key(entries_[i].request); !key.empty()) keys[key_count++] = key;
  }
  larder::prefetch(cache, std::span(keys).first(key_count));
}

}  // namespace netd
