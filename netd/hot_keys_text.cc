#include "netd/hot_keys_text.h"

#include <fmt/format.h>

#include <string>

#include "larder/hot_keys.h"
#include "netd/key_text.h"
#include "netd/reply.h"
#include "netd/reply_words.h"

namespace netd {

void append_hot_keys(const ServerState& server, uint32_t count, Buffer& out) {
  const bool shows_keys = server.options().dump_enabled;
  for (const larder::HotKey& key : larder::hot_keys(server.cache(), count)) {
    const std::string name = shows_keys ? percent_encoded(key.key) : fmt::format("#{:016x}", key.key_hash);
    append_stat(name,
                fmt::format("{:.5f} {:.5f} {:.5f} {:.5f}", key.share, key.error, key.reads_share, key.writes_share),
                out);
  }
  out.append(kReplyEnd);
}

}  // namespace netd
