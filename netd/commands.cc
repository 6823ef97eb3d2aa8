#include "netd/commands.h"

#include <algorithm>
#include <array>

#include "netd/classic_parser.h"
#include "netd/meta_parser.h"

namespace netd {
namespace {

bool reading_changes(const Request& mg) { return mg.exptime || mg.vivify || mg.recache_s != 0; }

bool stats_change(const Request& stats) {
  const Tokens words(stats.words);
  return words[0] == "reset" || (words[0] == "detail" && words[1] != "dump");
}

// Statistics are found without a look at the items or at all connections.
bool stats_look_around(const Request& stats) {
  const Tokens words(stats.words);
  if (words[0] == "detail") return words[1] == "dump";
  return !words[0].empty() && words[0] != "settings" && words[0] != "reset";
}

bool crawler_dumps(const Request& lru_crawler) {
  const Tokens words(lru_crawler.words);
  return words[0] == "metadump" || words[0] == "mgdump";
}

bool crawler_is_tuned(const Request& lru_crawler) { return !crawler_dumps(lru_crawler); }

bool crawler_looks_around(const Request& lru_crawler) {
  return crawler_dumps(lru_crawler) || Tokens(lru_crawler.words)[0] == "crawl";
}

constexpr Form kKeysForm{.parse_uncut = parse_keys};
constexpr Form kExptimeAndKeysForm{.parse_uncut = parse_exptime_and_keys};
constexpr Form kValueForm{parse_value, 5, 4};
constexpr Form kCasForm{parse_value_and_cas, 5, 4};
constexpr Form kKeyForm{parse_key, 2};
constexpr Form kDeltaForm{parse_key_and_delta, 3};
constexpr Form kExptimeForm{parse_key_and_exptime, 3};
constexpr Form kDelayForm{parse_delay};
constexpr Form kLevelForm{parse_level, 2};
constexpr Form kBareForm{parse_nothing};
constexpr Form kWordsForm{parse_words};
constexpr Form kNoreplyForm{parse_words_and_noreply};
constexpr Form kMetaForm{parse_meta, 2, 0, 2};
constexpr Form kMetaValueForm{parse_meta, 3, 2, 3};
constexpr Form kMetaDebugForm{parse_meta_debug, 2};

constexpr Effect kLooks;
constexpr Effect kChanges{Effect::always};
constexpr Effect kTunes{Effect::always, Effect::never, true};

// The most frequent first.
constexpr auto kCommands = std::to_array<Command>({
    {"get", kKeysForm, Action::kRetrieve, 0, kLooks},
    {"set", kValueForm, Action::kStore, 'S', kChanges},
    {"mg", kMetaForm, Action::kRead, 0, {reading_changes}, Counter::kMetaGets},
    {"ms", kMetaValueForm, Action::kStore, 'S', kChanges, Counter::kMetaStores},
    {"gets", kKeysForm, Action::kRetrieve, 'c', kLooks},
    {"delete", kKeyForm, Action::kErase, 0, kChanges},
    {"add", kValueForm, Action::kStore, 'E', kChanges},
    {"incr", kDeltaForm, Action::kCount, 'I', kChanges},
    {"decr", kDeltaForm, Action::kCount, 'D', kChanges},
    {"touch", kExptimeForm, Action::kTouch, 0, kChanges},
    {"cas", kCasForm, Action::kStore, 'S', kChanges},
    {"replace", kValueForm, Action::kStore, 'R', kChanges},
    {"append", kValueForm, Action::kStore, 'A', kChanges},
    {"prepend", kValueForm, Action::kStore, 'P', kChanges},
    {"gat", kExptimeAndKeysForm, Action::kRetrieve, 0, kChanges},
    {"gats", kExptimeAndKeysForm, Action::kRetrieve, 'c', kChanges},
    {"md", kMetaForm, Action::kErase, 0, kChanges, Counter::kMetaDeletes},
    {"ma", kMetaForm, Action::kCount, 'I', kChanges, Counter::kMetaArithmetics},
    {"mn", kBareForm, Action::kDoNothing, 0, kLooks, Counter::kMetaNoops},
    {"version", kBareForm, Action::kTellVersion, 0, kLooks},
    {"stats", kWordsForm, Action::kStats, 0, {stats_change, stats_look_around, true}},
    {"flush_all", kDelayForm, Action::kFlushAll, 0, kChanges},
    {"verbosity", kLevelForm, Action::kSetVerbosity, 0, kChanges},
    {"me", kMetaDebugForm, Action::kInspect, 0, kLooks, Counter::kMetaDebugs},
    {"quit", kBareForm, Action::kClose, 0, kLooks},
    {"shutdown", kWordsForm, Action::kShutDown, 0, kChanges},
    {"watch", kWordsForm, Action::kWatch, 0, {Effect::never, Effect::always, true}},
    {"cache_memlimit", kNoreplyForm, Action::kCacheMemlimit, 0, {Effect::always, Effect::always, true}},
    {"slabs", kNoreplyForm, Action::kSlabs, 0, kTunes},
    {"lru", kNoreplyForm, Action::kLru, 0, kTunes},
    // Dumps would not be silenced by a `noreply`, and memcached knows none here either.
    {"lru_crawler", kWordsForm, Action::kLruCrawler, 0, {crawler_is_tuned, crawler_looks_around, true}},
    {"debugtime", kNoreplyForm, Action::kDebugtime, 0, kTunes},
});

}  // namespace

constinit const Command kRefusal{.action = Action::kRefuse};
constinit const Command kHangUp{.action = Action::kClose};
constinit const Command kAuthentication{.action = Action::kAuthenticate};

std::span<const Command> all_commands() { return kCommands; }

const Command* find_command(std::string_view word) {
  const auto found =
      std::find_if(kCommands.begin(), kCommands.end(), [word](const Command& row) { return row.word == word; });
  return found == kCommands.end() ? nullptr : &*found;
}

}  // namespace netd
