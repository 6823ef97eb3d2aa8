// The flags of a meta command, as parsed.
#ifndef NETD_META_REQUEST_H_
#define NETD_META_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netd {

// The meaning of a flag depends on the command; a flag without meaning for a command is accepted and ignored.
// Flags that only select what the reply contains are not listed here: the reply goes through `flags`.
struct MetaRequest {
  std::string_view flags = {};           // as on the line, separated by spaces
  bool is_key_binary = false;            // b: Request::key is base64, and …
  std::string binary_key = {};           // … this is what it decodes to
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
  uint64_t cas = 0;                      // E; 0: not given
  uint64_t delta = 1;                    // D
  uint64_t initial = 0;                  // J
};

}  // namespace netd

#endif  // NETD_META_REQUEST_H_
