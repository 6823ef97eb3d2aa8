#include "netd/meta_reply.h"

#include <fmt/format.h>

#include <iterator>
#include <string>

#include "netd/base64.h"
#include "netd/exptime.h"
#include "netd/item_class.h"
#include "netd/tokens.h"

namespace netd {
namespace {

// A line with all flags, each once, is shorter.
using Line = fmt::basic_memory_buffer<char, 1024>;

void append_to(Line& line, std::string_view text) { line.append(text.data(), text.data() + text.size()); }

// A binary key says of itself that it is one.
std::string shown_key(std::string_view key, bool is_key_binary) {
  return is_key_binary ? base64_encode(key) : std::string(key);
}

class FlagWriter {
 public:
  FlagWriter(const MetaReply& reply, Line& line) : reply_(reply), line_(line) {}

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
    if (reply_.was_won) append_to(line_, " Z");
    if (reply_.is_stale) append_to(line_, " X");
    if (reply_.has_won) append_to(line_, " W");
  }

 private:
  void write_one(std::string_view token) {
    switch (token.front()) {
      case 'O':
        append_to(line_, " ");
        return append_to(line_, token);
      case 'k':
        append_to(line_, " k");
        append_to(line_, shown_key(reply_.key, reply_.is_key_binary));
        if (reply_.is_key_binary) append_to(line_, " b");
        return;
      case 's':
        return write_number('s', reply_.value_bytes);
      case 'f':
        return write_number('f', reply_.client_flags);
      case 'c':
        return write_number('c', reply_.cas);
      case 'h':
        return write_number('h', reply_.was_fetched);
      case 'l':
        return write_number('l', reply_.idle_s);
      default:
        return;
    }
  }

  void write_number(char letter, std::optional<uint64_t> number) {
    if (number) fmt::format_to(std::back_inserter(line_), " {}{}", letter, *number);
  }

  void write_ttl(std::optional<int64_t> ttl_ms) {
    if (ttl_ms) fmt::format_to(std::back_inserter(line_), " t{}", seconds_left(*ttl_ms));
  }

  const MetaReply& reply_;
  Line& line_;
};

bool append_line(Line& line, std::string_view value, Buffer& out) {
  append_to(line, "\r\n");
  constexpr std::string_view kEnd = "\r\n";
  if (!out.try_reserve(line.size() + value.size() + kEnd.size())) return false;
  out.append({line.data(), line.size()});
  return true;
}

}  // namespace

bool append_meta(const MetaReply& reply, std::string_view flags, Buffer& out) {
  Line line;
  append_to(line, reply.code);
  if (reply.value) fmt::format_to(std::back_inserter(line), " {}", reply.value->size());
  FlagWriter(reply, line).write(flags);
  if (!append_line(line, reply.value.value_or(std::string_view()), out)) return false;
  if (!reply.value) return true;
  out.append_or_send(*reply.value);
  out.append("\r\n");
  return true;
}

bool append_meta_debug(std::string_view key, const larder::ItemDetails& item, Buffer& out) {
  Line line;
  fmt::format_to(std::back_inserter(line),
                 "ME {} exp={} la={} cas={} fetch={} cls={} size={} ttl_ms={} shard={} segment={} freq={} stale={} "
                 "won={} flags={} vlen={}",
                 shown_key(key, item.is_key_binary), seconds_left(item.ttl_ms), item.idle_s, item.cas,
                 item.was_fetched ? "yes" : "no", class_of(key, item.value_bytes), item.item_bytes, item.ttl_ms,
                 item.stripe, item.segment, item.frequency, item.is_stale ? "yes" : "no",
                 item.is_won ? "yes" : "no", item.flags, item.value_bytes);
  return append_line(line, {}, out);
}

}  // namespace netd
