// One request as the parser understood it: what dispatch needs to answer it, and nothing about sockets.
#ifndef NETD_REQUEST_H_
#define NETD_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "netd/meta_request.h"

namespace netd {

enum class Command : uint8_t {
  kRefused,  // not to be executed: `refusal` is the answer
  kClose,    // to be answered with `refusal`, if there is one, and the connection closed
  kGet,
  kGets,
  kGat,
  kGats,
  kSet,
  kAdd,
  kReplace,
  kAppend,
  kPrepend,
  kCas,
  kDelete,
  kIncr,
  kDecr,
  kTouch,
  kFlushAll,
  kVersion,
  kVerbosity,
  kStats,
  kShutdown,
  kMetaNoop,
  kCacheMemlimit,
  kSlabs,
  kLru,
  kLruCrawler,
  kWatch,
  kDebugtime,
  kAuthenticate,
  kMetaGet,
  kMetaStore,
  kMetaDelete,
  kMetaArithmetic,
  kMetaDebug,
};

// The views point into the input the request was parsed from and are valid as long as that stays where it is.
struct Request {
  Command command = Command::kRefused;
  bool noreply = false;
  bool too_large = false;     // storage: the value exceeds the limit; it is not in `value` and will be skipped
  bool no_memory = false;     // storage: there is no memory to receive the value; likewise
  bool is_binary = false;     // kClose: the client speaks the binary protocol
  uint32_t client_flags = 0;  // storage
  int32_t exptime = 0;        // storage, touch, gat(s), flush_all; see exptime.h
  uint64_t number = 0;        // cas: the CAS number; incr, decr: the delta; verbosity: the level
  std::string_view line;      // the command line without its end, for the log
  std::string_view refusal;   // kRefused, kClose: a line of reply_words.h
  std::string_view key;       // every command on one key
  std::string_view value;     // storage
  std::string_view argument;  // stats, shutdown: the word after the command; empty if there is none
  std::string_view words;     // of administration: what follows the command word, without a `noreply`

  std::optional<MetaRequest> meta;  // meta commands but mn

  // Retrievals: the keys not answered yet, separated by spaces, each of a length that is allowed. The first
  // `keys_counted_bytes` bytes of it have been looked up before, but there was no room to answer them.
  std::string_view keys;
  size_t keys_counted_bytes = 0;
};

// The key of a command on one key, as the cache knows it.
[[nodiscard]] inline std::string_view item_key(const Request& request) {
  return request.meta && request.meta->is_key_binary ? std::string_view(request.meta->binary_key) : request.key;
}

// Makes it one that is not to be executed, whose answer is `refusal`.
inline void refuse(Request& request, std::string_view refusal) {
  request.command = Command::kRefused;
  request.refusal = refusal;
}

}  // namespace netd

#endif  // NETD_REQUEST_H_
