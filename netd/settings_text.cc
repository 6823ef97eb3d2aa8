#include "netd/settings_text.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "netd/reply.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

std::string_view yes_no(bool yes) { return yes ? "yes" : "no"; }

void append_listening_settings(const ServerState& server, Buffer& out) {
  const Options& options = server.options();
  std::string addresses;
  for (const ListenAddress& address : options.listen_addresses) {
    addresses += fmt::format("{}{}", addresses.empty() ? "" : ",", address.host);
  }
  append_stat("maxconns", options.connections_max, out);
  append_stat("tcpport", serves_tcp(options) ? fmt::format("{}", server.tcp_port) : "0", out);
  append_stat("udpport", static_cast<uint64_t>(server.udp_port), out);
  append_stat("inter", addresses.empty() ? "127.0.0.1,::1" : addresses, out);
}

void append_process_settings(const ServerState& server, Buffer& out) {
  const Options& options = server.options();
  append_stat("verbosity", server.verbosity.load(std::memory_order_relaxed), out);
  append_stat("oldest", 0, out);
  append_stat("evictions", options.eviction ? "on" : "off", out);
  append_stat("domain_socket", options.unix_socket.empty() ? "NULL" : options.unix_socket, out);
  append_stat("umask", fmt::format("{:o}", options.unix_mask), out);
  append_stat("shutdown_command", yes_no(options.shutdown_enabled), out);
  append_stat("growth_factor", "1.25", out);
  append_stat("chunk_size", 48, out);
  append_stat("num_threads", options.threads, out);
  append_stat("num_threads_per_udp", 1, out);
  append_stat("stat_key_prefix", std::string_view(&options.prefix_delimiter, 1), out);
  append_stat("detail_enabled", yes_no(server.detail_enabled.load(std::memory_order_relaxed)), out);
  append_stat("reqs_per_event", options.requests_per_turn_max, out);
  append_stat("cas_enabled", yes_no(options.cas), out);
  append_stat("tcp_backlog", static_cast<uint64_t>(options.listen_backlog), out);
  append_stat("binding_protocol", options.ascii_only ? "ascii" : "auto-negotiate", out);
  append_stat("auth_enabled_sasl", "no", out);
  append_stat("auth_enabled_ascii", options.auth_file.empty() ? "no" : options.auth_file, out);
  append_stat("item_size_max", options.item_bytes_max, out);
  append_stat("maxconns_fast", yes_no(options.reject_connections), out);
}

void append_slab_settings(Buffer& out) {
  append_stat("hashpower_init", 0, out);
  append_stat("slab_reassign", "yes", out);
  append_stat("slab_automove", 1, out);
  append_stat("slab_automove_ratio", "0.80", out);
  append_stat("slab_automove_window", 10, out);
  append_stat("slab_chunk_max", 524288, out);
}

void append_lru_settings(const ServerState& server, Buffer& out) {
  const Options& options = server.options();
  append_stat("lru_crawler", yes_no(server.crawler_enabled.load(std::memory_order_relaxed)), out);
  append_stat("lru_crawler_sleep", 100, out);
  append_stat("lru_crawler_tocrawl", 0, out);
  append_stat("tail_repair_time", 0, out);
  append_stat("flush_enabled", yes_no(options.flush_enabled), out);
  append_stat("dump_enabled", yes_no(options.dump_enabled), out);
  append_stat("hash_algorithm", "murmur3", out);
  append_stat("lru_maintainer_thread", "yes", out);
  append_stat("lru_segmented", "yes", out);
  append_stat("hot_lru_pct", 20, out);
  append_stat("warm_lru_pct", 40, out);
  append_stat("hot_max_factor", "0.20", out);
  append_stat("warm_max_factor", "2.00", out);
  append_stat("temp_lru", "no", out);
  append_stat("temporary_ttl", 61, out);
}

void append_remaining_settings(const Options& options, Buffer& out) {
  append_stat("idle_timeout", options.idle_timeout_s, out);
  append_stat("watcher_logbuf_size", options.watcher_queue_bytes, out);
  append_stat("worker_logbuf_size", 65536, out);
  append_stat("read_buf_mem_limit", 0, out);
  append_stat("track_sizes", "yes", out);
  append_stat("inline_ascii_response", "no", out);
  append_stat("num_napi_ids", 0, out);
  append_stat("memory_file", "(null)", out);
  append_stat("client_flags_size", 4, out);
  append_stat("send_timeout", options.send_timeout_s, out);
  append_stat("request_timeout", options.request_timeout_s, out);
}

}  // namespace

void append_settings(const ServerState& server, Buffer& out) {
  append_stat("maxbytes", server.cache().stats().memory_limit_bytes, out);
  append_listening_settings(server, out);
  append_process_settings(server, out);
  append_slab_settings(out);
  append_lru_settings(server, out);
  append_remaining_settings(server.options(), out);
  out.append(kReplyEnd);
}

}  // namespace netd
