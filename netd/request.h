// One request as the parser understood it: what is to be done, the same whether the line was a classic or a meta
// command, and how the reply is to be made. Nothing about sockets.
#ifndef NETD_REQUEST_H_
#define NETD_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace netd {

struct Command;
// Of requests that are not to be executed: `refusal` is the answer.
extern const Command kRefusal;

// The views point into the input the request was parsed from and are valid as long as that stays where it is. What
// a command has no use for is as it is here, or as a meta flag of no effect has left it.
struct Request {
  const Command* command = &kRefusal;
  std::string_view line;     // the command line without its end, for the log
  std::string_view refusal;  // a line of reply_words.h

  // What the command is done to.
  std::string_view key;                        // of commands on one key, as it was sent
  std::optional<std::string> binary_key = {};  // b: `key` is base64, and stands for this
  std::string_view value;                      // of stores
  std::string_view words;  // of administration: what follows the command word, without a `noreply`
  // Of retrievals: the keys not answered yet, separated by spaces, each of a length that is allowed. The first
  // `keys_counted_bytes` bytes of it have been looked up before, but there was no room to answer them.
  std::string_view keys;
  size_t keys_counted_bytes = 0;
  bool too_large = false;  // the value exceeds the limit; it is not in `value` and will be skipped
  bool no_memory = false;  // there is no memory to receive the value; likewise
  bool is_binary = false;  // the client speaks the binary protocol

  // How it is done; a letter is the meta flag that says so.
  char mode = 0;                         // M: see Command::mode
  uint32_t client_flags = 0;             // F
  std::optional<int32_t> exptime = {};   // T; see exptime.h
  std::optional<int32_t> vivify = {};    // N: an exptime
  int32_t recache_s = 0;                 // R
  std::optional<uint64_t> compare = {};  // C, and the number of `cas`
  uint64_t cas = 0;                      // E; 0: none was given
  uint64_t number = 1;                   // D, and the number of incr and decr; of `verbosity`, the level
  uint64_t initial = 0;                  // J
  bool marks_used = true;                // not u
  bool with_history = false;             // h or l
  bool invalidates = false;              // I
  bool empties = false;                  // x

  // How it is answered.
  bool noreply = false;     // not at all
  bool quiet = false;       // q: not if all went well
  bool with_value = false;  // v
  // Of meta commands, as they stand on the line, separated by spaces: the reply is made along them.
  std::string_view flags;
};

// The key of a command on one key, as the cache knows it.
[[nodiscard]] inline std::string_view item_key(const Request& request) {
  return request.binary_key ? std::string_view(*request.binary_key) : request.key;
}

// Makes it as new. In place, as it is done for each request, and an assignment takes twice as long.
inline void reset(Request& request) {
  std::destroy_at(&request);
  std::construct_at(&request);
}

// Makes it one that is not to be executed, whose answer is `refusal`.
inline void refuse(Request& request, std::string_view refusal) {
  request.command = &kRefusal;
  request.refusal = refusal;
}

}  // namespace netd

#endif  // NETD_REQUEST_H_
