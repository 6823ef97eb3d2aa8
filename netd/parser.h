// From bytes to requests: pure, knows neither sockets nor the cache. Source: memcached's protocol.txt and the
// behaviour of memcached 1.6; netd/PROTOCOL.md lists where netd differs.
//
// The parser is fed everything that has been received and not yet consumed, again and again as more arrives:
//
//   Parser parser(limits);
//   Request request;
//   const Parser::Result result = parser.next(input, request);
//   if (!result.complete) …receive more; result.bytes_wanted says how much must be there before it is worth asking
//   else …answer request, then drop result.bytes_consumed bytes, and the next result.bytes_to_skip to arrive
//
// How the bytes were split on their way makes no difference to the requests, as long as a line is not longer than
// kUnfinishedLineBytesMax. Bytes are searched for the end of a line once, however often the parser is asked.
#ifndef NETD_PARSER_H_
#define NETD_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "netd/commands.h"
#include "netd/request.h"

namespace netd {

// A line that is longer than this and has not ended yet ends the connection …
inline constexpr size_t kUnfinishedLineBytesMax = 2048;
// … except that retrievals name many keys.
inline constexpr size_t kUnfinishedRetrievalBytesMax = size_t{8} << 20;

// As in memcached.
inline constexpr size_t kClientKeyBytesMax = 250;

struct ParserLimits {
  size_t key_bytes_max = kClientKeyBytesMax;
  size_t item_bytes_max = size_t{1} << 20;  // as item_bytes counts
  bool has_cas = true;
};

// What memcached counts against -I: a header of 48 bytes, 8 for the CAS number, the key and a NUL, 4 for client
// flags that are not 0, and the value with its line end.
[[nodiscard]] constexpr size_t item_bytes(size_t key_bytes, size_t value_bytes, uint32_t client_flags,
                                          bool has_cas) {
  return 48 + (has_cas ? 8 : 0) + key_bytes + 1 + (client_flags != 0 ? 4 : 0) + value_bytes + 2;
}

class Parser {
 public:
  struct Result {
    bool complete = false;      // there is a request
    size_t bytes_wanted = 0;    // not complete: the request has at least so many bytes; 0 is: one more than now
    size_t bytes_consumed = 0;  // complete: the bytes the request was made of
    size_t bytes_to_skip = 0;   // complete: bytes after those that belong to it too, but are of no use
  };

  explicit Parser(const ParserLimits& limits) : limits_(limits) {}

  // Looks for a request at the front of `input`. If the last call found none, `input` must begin with what it
  // was then.
  [[nodiscard]] Result next(std::string_view input, Request& request);

  // What `next` was given last has not been consumed as far as it was told: the next input may begin elsewhere.
  void restart() { bytes_searched_ = bytes_wanted_ = 0; }

  // For a request of which `next`, called with the same input, wanted more than there is memory for: a storage
  // request without its value, which is to be skipped, marked as no_memory; of an unfinished line nothing can be
  // made, and the connection is to be closed.
  [[nodiscard]] Result give_up(std::string_view input, Request& request);

 private:
  // What comes after a command line.
  struct DataBlock {
    enum class Kind : uint8_t { kNone, kReceive, kSkip };
    Kind kind = Kind::kNone;
    size_t bytes = 0;  // line end included
  };

  Result unfinished(std::string_view input, Request& request);
  Result take_value(std::string_view input, size_t line_bytes, size_t block_bytes, Request& request);
  Result completed(size_t bytes_consumed, size_t bytes_to_skip);
  DataBlock parse_line(std::string_view input, size_t line_end, Request& request) const;
  DataBlock parse_tokens(const Form& form, Request& request) const;
  [[nodiscard]] DataBlock block_of(size_t value_bytes, Request& request) const;

  const ParserLimits limits_;
  bool at_start_ = true;       // nothing has been consumed on this connection yet
  size_t bytes_searched_ = 0;  // the front of the input that is known to hold no line end
  size_t bytes_wanted_ = 0;    // line, value and line end of a storage request whose value has not arrived
};

}  // namespace netd

#endif  // NETD_PARSER_H_
