// The requests that have arrived together, parsed before the first of them is answered, so that the cache can have
// the memory fetched that all of them need.
#ifndef NETD_REQUEST_BATCH_H_
#define NETD_REQUEST_BATCH_H_

#include <array>
#include <cstddef>
#include <string_view>

#include "larder/cache.h"
#include "larder/function_ref.h"
#include "netd/parser.h"
#include "netd/request.h"

namespace netd {

class RequestBatch {
 public:
  static constexpr size_t kRequestsMax = 16;

  // What is asked for the request at the front of an input, as Parser::next is.
  using Parse = larder::FunctionRef<Parser::Result(std::string_view input, Request& request)>;

  // Fills the batch with what `input` begins with: up to `requests_max` ≥ 1 requests that are complete, of which
  // only the last one may end far behind the front or have bytes to skip. What was said of the first.
  Parser::Result fill(std::string_view input, size_t requests_max, Parse parse);

  // Has the cache fetch what the requests need, if there are several.
  void prefetch(const larder::Cache& cache) const;

  [[nodiscard]] bool empty() const { return next_ == count_; }

  // Goes on to the next request, of a batch that is not empty, and tells what was said of it.
  const Parser::Result& advance() { return entries_[next_++].parsed; }
  // The one that was gone on to last; there until the batch is filled again.
  [[nodiscard]] Request& current() { return entries_[next_ - 1].request; }

  // Drops the requests that have not been gone on to.
  void drop_rest() { next_ = count_; }

 private:
  struct Entry {
    Request request;
    Parser::Result parsed;
  };

  std::array<Entry, kRequestsMax> entries_;
  size_t next_ = 0;
  size_t count_ = 0;
};

}  // namespace netd

#endif  // NETD_REQUEST_BATCH_H_
