#include "netd/meta_reply.h"

#include <fmt/format.h>

#include <string>

#include "larder/item_details.h"
#include "netd/base64.h"
#include "netd/exptime.h"
#include "netd/item_class.h"
#include "netd/reply_writer.h"
#include "netd/tokens.h"

namespace netd {
namespace {

// A line with all flags, each once, is shorter, but for the key.
constexpr size_t kMetaLineBytesMax = 1024;

// A binary key is shown in base64, which is longer by a third.
size_t shown_key_bytes_max(std::string_view key) { return key.size() / 3 * 4 + 4; }

class FlagWriter {
 public:
  FlagWriter(const MetaReply& reply, ReplyWriter& to) : reply_(reply), to_(to) {}

  void write(std::string_view flags) {
    bool is_touched = false;
    for (std::string_view token = take_token(flags); !token.empty(); token = take_token(flags)) {
      if (token.front() == 't') {
        write_ttl(is_touched ? reply_.ttl_ms : reply_.previous_ttl_ms);
      } else if (token.front() == 'T') {
        is_touched = true;
      } else {
        write_one(token);
      }
    }
    if (reply_.was_won) to_.text(" Z");
    if (reply_.is_stale) to_.text(" X");
    if (reply_.has_won) to_.text(" W");
  }

 private:
  void write_one(std::string_view token) {
    switch (token.front()) {
      case 'O':
        to_.text(" ");
        return to_.text(token);
      case 'k':
        return write_key();
      case 's':
        return write_number(" s", reply_.value_bytes);
      case 'f':
        return write_number(" f", reply_.client_flags);
      case 'c':
        return write_number(" c", reply_.cas);
      case 'h':
        return write_number(" h", reply_.was_fetched);
      case 'l':
        return write_number(" l", reply_.idle_s);
      default:
        return;
    }
  }

  // A binary key says of itself that it is one.
  void write_key() {
    to_.text(" k");
    if (!reply_.is_key_binary) return to_.text(reply_.key);
    to_.text(base64_encode(reply_.key));
    to_.text(" b");
  }

  void write_number(std::string_view name, std::optional<uint64_t> number) {
    if (!number) return;
    to_.text(name);
    to_.number(*number);
  }

  void write_ttl(std::optional<int64_t> ttl_ms) {
    if (!ttl_ms) return;
    to_.text(" t");
    to_.number(seconds_left(*ttl_ms));
  }

  const MetaReply& reply_;
  ReplyWriter& to_;
};

}  // namespace

bool append_meta(const MetaReply& reply, std::string_view flags, Buffer& out) {
  const size_t bytes_max = kMetaLineBytesMax + shown_key_bytes_max(reply.key);
  const auto write_line = [&](ReplyWriter& to) {
    to.text(reply.code);
    if (reply.value) {
      to.text(" ");
      to.number(reply.value->size());
    }
    FlagWriter(reply, to).write(flags);
    to.text("\r\n");
  };
  if (reply.value) return append_with_value(out, bytes_max, {.key = reply.key, .value = *reply.value}, write_line);
  if (!out.try_reserve(bytes_max)) return false;
  append_with(out, write_line);
  return true;
}

bool append_meta_debug(std::string_view key, const larder::ItemDetails& item, Buffer& out) {
  const std::string line = fmt::format(
      "ME {} exp={} la={} cas={} fetch={} cls={} size={} ttl_ms={} shard={} segment={} freq={} stale={} won={} "
      "flags={} vlen={}\r\n",
      item.is_key_binary ? base64_encode(key) : std::string(key), seconds_left(item.ttl_ms), item.idle_s, item.cas,
      item.was_fetched ? "yes" : "no", class_of(key, item.value_bytes), item.item_bytes, item.ttl_ms, item.stripe,
      item.segment, item.frequency, item.is_stale ? "yes" : "no", item.is_won ? "yes" : "no", item.flags,
      item.value_bytes);
  if (!out.try_reserve(line.size())) return false;
  out.append(line);
  return true;
}

}  // namespace netd
