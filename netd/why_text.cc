#include "netd/why_text.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "larder/explain.h"
#include "netd/reply.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

std::string or_unknown(std::optional<uint32_t> seconds) { return seconds ? fmt::format("{}", *seconds) : "-"; }

std::string_view yes_or_no(bool is_so) { return is_so ? "yes" : "no"; }

}  // namespace

void append_why(const ServerState& server, std::string_view key, Buffer& out) {
  const larder::Explanation told = server.cache().explain(key);
  const bool is_there = told.state == larder::KeyState::kPresent;
  const bool expires = is_there && told.ttl_ms != larder::kNeverExpires;
  append_stat("why:state", to_string(told.state), out);
  append_stat("why:stored_s", or_unknown(told.stored_s), out);
  append_stat("why:read_s", or_unknown(told.read_s), out);
  append_stat("why:frequency", is_there ? fmt::format("{}", told.frequency) : "-", out);
  append_stat("why:ttl_s", expires ? fmt::format("{}", (told.ttl_ms + 999) / 1000) : "-", out);
  append_stat("why:gone_s", or_unknown(told.gone_s), out);
  append_stat("why:lived_s", or_unknown(told.lived_s), out);
  append_stat("why:was_read", told.was_read ? yes_or_no(*told.was_read) : "-", out);
  append_stat("why:chain", told.chain ? to_string(*told.chain) : "-", out);
  append_stat("why:large", told.chain ? yes_or_no(told.is_large) : "-", out);
  append_stat("why:followed", yes_or_no(told.is_followed), out);
  append_stat("why:share_followed", fmt::format("{:.6f}", told.share_followed), out);
  append_stat("why:reach_s", told.reach_s, out);
  append_stat("why:collision_chance", fmt::format("{:.8f}", told.collision_chance), out);
  append_stat("why:ghost", yes_or_no(told.is_in_ghost), out);
  append_stat("why:flushed_s", or_unknown(told.flushed_s), out);
  append_stat("why:summary", to_string(told), out);
  out.append(kReplyEnd);
}

}  // namespace netd
