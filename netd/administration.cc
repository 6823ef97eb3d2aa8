#include "netd/administration.h"

#include <optional>
#include <string>
#include <utility>

#include "larder/serving.h"
#include "netd/commands.h"
#include "netd/hot_keys_text.h"
#include "netd/key_dump.h"
#include "netd/memory_limit_change.h"
#include "netd/numbers.h"
#include "netd/parser.h"
#include "netd/reply_words.h"
#include "netd/settings_text.h"
#include "netd/shared_reports.h"
#include "netd/sizing_text.h"
#include "netd/stats_text.h"
#include "netd/tokens.h"
#include "netd/tuning_words.h"
#include "netd/why_text.h"

namespace netd {
namespace {

constexpr uint32_t kMemlimitMbMin = 8;
constexpr uint32_t kMemlimitMbMax = 1000000000;
constexpr uint32_t kSlabClassesMax = 64;
constexpr std::string_view kPrefixWord = "prefix:";

}  // namespace

void Administration::run(const Request& request, Session& session, Buffer& out) {
  std::string_view reply;
  switch (request.command->action) {
    case Action::kStats:
      return stats(request, session, out);
    case Action::kCacheMemlimit:
      reply = cache_memlimit(request, session);
      break;
    case Action::kSlabs:
      reply = answer_slabs(Tokens(request.words));
      break;
    case Action::kLru:
      reply = answer_lru(Tokens(request.words));
      break;
    case Action::kLruCrawler:
      reply = lru_crawler(request.words, session);
      break;
    case Action::kWatch:
      reply = watch(request.words, session);
      break;
    case Action::kDebugtime:
      reply = debugtime(request.words);
      break;
    default:
      reply = kErrorUnknown;
      break;
  }
  if (!request.noreply) out.append(reply);
}

void Administration::stats(const Request& request, Session& session, Buffer& out) {
  const std::string_view what = Tokens(request.words)[0];
  if (what.empty()) return append_general_stats(server_, out);
  if (what == "settings") return append_settings(server_, out);
  if (what == "sizing") return append_sizing(server_, out);
  if (what == "hotkeys") return stats_hotkeys(request.words, out);
  if (what == "why") return stats_why(request.words, out);
  if (what == "detail") return stats_detail(request.words, session, out);
  if (what == "cachedump") return stats_cachedump(request.words, session, out);
  if (what == "items") {
    session.report = server_.shared_reports().join(SharedReportKind::kItems);
  } else if (what == "slabs") {
    session.report = server_.shared_reports().join(SharedReportKind::kSlabs);
  } else if (what == "sizes") {
    session.report = server_.shared_reports().join(SharedReportKind::kSizes);
  } else if (what == "conns") {
    session.report = server_.shared_reports().join(SharedReportKind::kConnections);
  } else if (what == "extstore" || what == "proxy" || what == "proxyfuncs" || what == "proxybe") {
    out.append(kReplyEnd);  // there is nothing of the kind
  } else if (what == "reset") {
    larder::reset_stats(server_.cache());
    server_.reset_counters();
    out.append(kReplyReset);
  } else {
    out.append(kErrorUnknown);
  }
}

void Administration::stats_detail(std::string_view words, Session& session, Buffer& out) {
  const std::string_view what = Tokens(words)[1];
  if (!server_.options().dump_enabled) return out.append(kErrorDetailNotAllowed);
  if (what == "dump") {
    session.report = server_.shared_reports().join(SharedReportKind::kPrefixes);
    return;
  }
  if (what != "on" && what != "off") return out.append(kErrorDetailUsage);
  server_.detail_enabled.store(what == "on", std::memory_order_relaxed);
  out.append(kReplyOk);
}

void Administration::stats_hotkeys(std::string_view words, Buffer& out) {
  const Tokens tokens(words);
  const std::optional<uint32_t> count = tokens.size() < 2 ? kHotKeysShown : parse_u32(tokens[1]);
  if (!count || *count < 1 || *count > kHotKeysMax) return out.append(kErrorBadFormat);
  append_hot_keys(server_, *count, out);
}

void Administration::stats_why(std::string_view words, Buffer& out) {
  const Tokens tokens(words);
  if (!server_.options().dump_enabled) return out.append(kErrorWhyNotAllowed);
  if (tokens.size() < 2) return out.append(kErrorUnknown);
  if (tokens.size() > 2 || tokens[1].size() > kClientKeyBytesMax) return out.append(kErrorBadFormat);
  append_why(server_, tokens[1], out);
}

void Administration::stats_cachedump(std::string_view words, Session& session, Buffer& out) {
  const Tokens tokens(words);
  if (!server_.options().dump_enabled) return out.append(kErrorCachedumpNotAllowed);
  if (tokens.size() < 3) return out.append(kErrorBadLine);
  const std::optional<uint32_t> item_class = parse_u32(tokens[1]);
  const std::optional<uint32_t> items_max = parse_u32(tokens[2]);
  if (!item_class || !items_max) return out.append(kErrorBadFormat);
  if (*item_class >= kSlabClassesMax) return out.append(kErrorBadSlab);
  session.report = make_cache_dump(server_, *item_class, *items_max);
}

std::string_view Administration::cache_memlimit(const Request& request, Session& session) {
  const std::optional<uint32_t> megabytes = parse_u32(Tokens(request.words)[0]);
  if (!megabytes) return kErrorUnknown;
  if (*megabytes < kMemlimitMbMin) return kErrorMemlimitTooSmall;
  if (*megabytes > kMemlimitMbMax) return kErrorMemlimitNotMegabytes;
  session.report = make_memory_limit_change(server_, size_t{*megabytes} << 20, request.noreply);
  return {};
}

std::string_view Administration::lru_crawler(std::string_view words, Session& session) {
  const Tokens tokens(words);
  if (tokens.size() == 1 && (tokens[0] == "enable" || tokens[0] == "disable")) {
    server_.crawler_enabled.store(tokens[0] == "enable", std::memory_order_relaxed);
    return kReplyOk;
  }
  if (tokens[0] == "crawl") return crawl(tokens);
  const bool is_metadump = tokens[0] == "metadump";
  if ((!is_metadump && tokens[0] != "mgdump") || tokens.size() != 2) return answer_lru_crawler(tokens);
  if (!server_.options().dump_enabled) return is_metadump ? kErrorMetadumpNotAllowed : kErrorKeyDumpNotAllowed;
  std::string prefix;
  if (tokens[1].starts_with(kPrefixWord)) {
    prefix = tokens[1].substr(kPrefixWord.size());
  } else if (!is_class_list(tokens[1])) {
    return kErrorBadClass;
  }
  session.report =
      make_key_dump(server_, is_metadump ? DumpFormat::kMeta : DumpFormat::kMetaGet, std::move(prefix));
  return session.report == nullptr ? kErrorCrawlerBusy : std::string_view();
}

std::string_view Administration::crawl(const Tokens& words) {
  const std::string_view reply = answer_lru_crawler(words);
  if (reply != kReplyOk) return reply;
  if (!server_.crawler_enabled.load(std::memory_order_relaxed)) return kErrorCrawlerDisabled;
  const uint64_t turn = server_.crawler_turn().begin(server_.clock().monotonic_ms(), CrawlerTurn::kNoLimit);
  if (turn == 0) return kErrorCrawlerBusy;
  server_.crawler_starts.fetch_add(1, std::memory_order_relaxed);
  // Release: after the one before it.
  server_.crawl.store(turn, std::memory_order_release);
  return kReplyOk;
}

std::string_view Administration::watch(std::string_view words, Session& session) {
  if (!server_.options().watch_enabled) return kErrorWatchNotAllowed;
  uint32_t events = 0;
  for (std::string_view word = take_token(words); !word.empty(); word = take_token(words)) {
    const std::optional<uint32_t> more = watch_events_of(word);
    if (!more) return kErrorUnknown;
    events |= *more;
  }
  session.watcher = server_.watch_hub().add(events == 0 ? kWatchFetchers : events);
  return session.watcher == nullptr ? kErrorTooManyWatchers : kReplyOk;
}

std::string_view Administration::debugtime(std::string_view words) {
  const std::optional<uint32_t> seconds = parse_u32(Tokens(words)[0]);
  if (server_.debug_clock() == nullptr) return kErrorUnknown;
  if (!seconds) return kErrorBadFormat;
  server_.debug_clock()->advance_ms(int64_t{*seconds} * 1000);
  return kReplyOk;
}

}  // namespace netd
