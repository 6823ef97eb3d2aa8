// lru_crawler metadump and mgdump: every key of the cache.
#ifndef NETD_KEY_DUMP_H_
#define NETD_KEY_DUMP_H_

#include <memory>
#include <string>

#include "larder/scan.h"
#include "netd/report.h"
#include "netd/server_state.h"

namespace netd {

enum class DumpFormat : uint8_t {
  kMeta,     // OK⏎, key=… exp=… la=… cas=… fetch=… cls=… size=… flags=… LF, END⏎
  kMetaGet,  // OK⏎, mg <key>⏎ or mg <base64> b⏎, EN⏎
};

// A dump of all keys that start with `prefix`. Null while there is another one: one dump at a time. One that has
// not been read for a second is ended instead.
[[nodiscard]] std::unique_ptr<Report> make_key_dump(ServerState& server, DumpFormat format, std::string prefix);

// ITEM <key> [<bytes> b; <UNIX time of expiry or 0> s]⏎ for up to `items_max` items of `item_class` (0: no limit),
// at most 2 MiB, and END⏎.
[[nodiscard]] std::unique_ptr<Report> make_cache_dump(ServerState& server, uint32_t item_class, uint64_t items_max);

}  // namespace netd

#endif  // NETD_KEY_DUMP_H_
