// The text of `stats hotkeys`: which keys are asked for most (larder/hot_keys.h).
#ifndef NETD_HOT_KEYS_TEXT_H_
#define NETD_HOT_KEYS_TEXT_H_

#include <cstdint>

#include "netd/buffer.h"
#include "netd/server_state.h"

namespace netd {

inline constexpr uint32_t kHotKeysShown = 16;  // if nothing is said
inline constexpr uint32_t kHotKeysMax = 100;

// At most `count` of them; including END. Where dumps are forbidden, hashes instead of keys.
void append_hot_keys(const ServerState& server, uint32_t count, Buffer& out);

}  // namespace netd

#endif  // NETD_HOT_KEYS_TEXT_H_
