// The flags of a meta command as the parser understood them.
#ifndef NETD_META_REQUEST_H_
#define NETD_META_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netd {

// What a flag means depends on the command; one that a command has no use for is accepted and stays without effect.
// Flags that only say what the reply is to hold are not listed here: the reply is made along `flags`.
struct MetaRequest {
  std::string_view flags = {};           // as they stand on the line, separated by spaces
  bool is_key_binary = false;            // b: Request::key is base64, and …
  std::string binary_key = {};           // … this what it stands for
  bool quiet = false;                    // q
  bool with_value = false;               // v
  bool marks_used = true;                // not u
  bool may_win = true;                   // unless the server is read-only
  bool with_history = false;             // h or l
  bool invalidates = false;              // I
  bool empties = false;                  // x
  char mode = 0;                         // M: of ms, S E A P R; of ma, I or D
  uint32_t client_flags = 0;             // F
  std::optional<int32_t> exptime = {};   // T
  std::optional<int32_t> vivify = {};    // N: an exptime
  int32_t recache_s = 0;                 // R
  std::optional<uint64_t> compare = {};  // C
  uint64_t cas = 0;                      // E; 0: none was given
  uint64_t delta = 1;                    // D
  uint64_t initial = 0;                  // J
};

}  // namespace netd

#endif  // NETD_META_REQUEST_H_
