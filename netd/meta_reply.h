// The replies of the meta commands, made by going through the flags of the request. Pure.
#ifndef NETD_META_REPLY_H_
#define NETD_META_REPLY_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "larder/item.h"
#include "larder/item_details.h"
#include "netd/buffer.h"

namespace netd {

inline constexpr std::string_view kMetaDone = "HD";
inline constexpr std::string_view kMetaValue = "VA";
inline constexpr std::string_view kMetaMissing = "EN";
inline constexpr std::string_view kMetaNotFound = "NF";
inline constexpr std::string_view kMetaNotStored = "NS";
inline constexpr std::string_view kMetaExists = "EX";

// What a reply can contain. Flags that ask for anything else are not answered.
struct MetaReply {
  std::string_view code;
  std::string_view key;  // in the form that the cache has
  bool is_key_binary = false;
  std::optional<std::string_view> value;  // shown if there is one

  std::optional<uint64_t> value_bytes;   // s
  std::optional<uint64_t> client_flags;  // f
  std::optional<uint64_t> cas;           // c
  std::optional<uint64_t> was_fetched;   // h
  std::optional<uint64_t> idle_s;        // l
  // t, after T and before it.
  std::optional<int64_t> ttl_ms;
  std::optional<int64_t> previous_ttl_ms;

  bool was_won = false;   // Z
  bool is_stale = false;  // X
  bool has_won = false;   // W
};

// <code> [<bytes>] <flags>⏎[<value>⏎]. False, and nothing appended, if there is no memory for it.
[[nodiscard]] bool append_meta(const MetaReply& reply, std::string_view flags, Buffer& out);

// ME <key> <name>=<value> …⏎, memcached's names first.
[[nodiscard]] bool append_meta_debug(std::string_view key, const larder::ItemDetails& item, Buffer& out);

}  // namespace netd

#endif  // NETD_META_REPLY_H_
