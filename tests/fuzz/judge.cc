#include "judge.h"

#include <algorithm>
#include <limits>

#include "netd/base64.h"
#include "netd/commands.h"
#include "netd/tokens.h"
#include "require.h"

namespace netd::fuzz {
namespace {

constexpr int32_t kRelativeExptimeMaxS = 30 * 24 * 60 * 60;
constexpr size_t kShownBytesMax = 2000;

std::string key_of(const Request& request) { return std::string(item_key(request)); }

}  // namespace

// What there is to show of an item.
struct Judge::Shown {
  std::string key;
  bool is_key_binary = false;
  std::optional<uint64_t> value_bytes = {};
  std::optional<uint64_t> client_flags = {};
  bool has_cas = false;
  bool is_cas_0 = false;
  bool has_history = false;
  std::optional<int64_t> deadline_ms = {};  // and the one before T
  std::optional<int64_t> previous_deadline_ms = {};
  bool was_won = false;
  bool is_stale = false;
  bool has_won = false;
};

void Judge::judge(const Request& request, bool may_evict, std::string_view& replies) {
  replies_ = &replies;
  may_evict_ = may_evict;
  const std::string key = key_of(request);
  const bool is_meta = request.command->has_flags();
  switch (request.command->action) {
    case Action::kRetrieve:
      return judge_retrieval(request);
    case Action::kRead:
      return agree(request, key, [&] { return meta_get(request); });
    case Action::kStore:
      return agree(request, key, [&] { return is_meta ? meta_store(request) : store(request); });
    case Action::kErase:
      return agree(request, key, [&] { return is_meta ? meta_delete(request) : erase(request); });
    case Action::kCount:
      return agree(request, key, [&] { return is_meta ? meta_count(request) : count(request); });
    case Action::kTouch:
      return agree(request, key, [&] { return touch(request); });
    case Action::kInspect:
      return judge_lines(replies.starts_with("EN") ? "EN\r\n" : "ME ");
    case Action::kFlushAll: {
      const int32_t exptime = request.exptime.value_or(0);
      const int64_t exptime_ms = int64_t{exptime} * 1000;
      const bool is_date = exptime > kRelativeExptimeMaxS;
      oracle_.flush(is_date ? exptime_ms - clock_.unix_ms() : exptime_ms);
      return agree(request, {}, [&] { return unless_noreply(request, "OK\r\n"); });
    }
    case Action::kSetVerbosity:
      return agree(request, {}, [&] { return unless_noreply(request, "OK\r\n"); });
    case Action::kDoNothing:
      return agree(request, {}, [] { return Pattern("MN\r\n"); });
    case Action::kTellVersion:
      return judge_lines("VERSION ");
    case Action::kShutDown:
      return agree(request, {}, [] { return Pattern("SERVER_ERROR: shutdown not enabled\r\n"); });
    case Action::kRefuse:
      return agree(request, {}, [&] { return unless_noreply(request, request.refusal); });
    case Action::kClose:
      return agree(request, {}, [&] { return Pattern(request.refusal); });
    case Action::kWatch:
      has_lost_track_ = true;
      return;
    default:
      return judge_administration(request);
  }
}

// --- how a reply is taken ---

void Judge::agree(const Request& request, std::string_view key, const Predict& predict) {
  const std::string name(key);
  const bool may_be_gone = may_evict_ && !name.empty() && oracle_.find(name) != nullptr;
  const Pattern pattern = predict();
  if (has_lost_track_) return;
  if (may_be_gone && pattern.is_silent()) {
    has_lost_track_ = true;
    return;
  }
  if (take(key, pattern)) return;
  if (may_be_gone) {
    oracle_.forget(name);
    cas_.erase(name);
    if (take(key, predict())) return;
  }
  if (may_evict_ && replies_->starts_with("SERVER_ERROR out of memory")) {
    has_lost_track_ = true;
    return;
  }
  fail(fmt::format("the reply to '{}' begins with\n{}\nand not with\n{}", request.line,
                   pattern.shown().substr(0, kShownBytesMax), replies_->substr(0, kShownBytesMax)));
}

bool Judge::take(std::string_view key, const Pattern& pattern) {
  const std::optional<Pattern::Match> match = pattern.match(*replies_);
  if (!match) return false;
  replies_->remove_prefix(match->bytes);
  if (match->cas) {
    const std::string name(key);
    last_cas_ = *match->cas;
    cas_[name] = last_cas_;
    uint64_t& own_cas = own_cas_[name];
    if (last_cas_ <= own_cas) fail(fmt::format("CAS numbers of '{}' grow: {} after {}", name, last_cas_, own_cas));
    own_cas = last_cas_;
  }
  return true;
}

// Lines up to one that begins with `last`.
void Judge::judge_lines(std::string_view last) {
  while (true) {
    const size_t line_end = replies_->find('\n');
    require(line_end != std::string_view::npos,
            fmt::format("a reply ends with a line that begins with '{}'", last));
    const bool is_last = replies_->starts_with(last);
    replies_->remove_prefix(line_end + 1);
    if (is_last) return;
  }
}

void Judge::judge_administration(const Request& request) {
  if (request.noreply) return;
  const bool is_list =
      replies_->starts_with("STAT ") || replies_->starts_with("PREFIX ") || replies_->starts_with("ITEM ");
  if (is_list) return judge_lines("END\r\n");
  const bool is_ok = replies_->starts_with("OK\r\n");
  judge_lines("");
  if (!is_ok || request.command->action != Action::kLruCrawler) return;
  std::string_view words = request.words;
  const std::string_view what = take_token(words);
  if (what == "metadump") judge_lines("END\r\n");
  if (what == "mgdump") judge_lines("EN\r\n");
}

Pattern Judge::unless_noreply(const Request& request, std::string_view line) {
  return request.noreply ? Pattern() : Pattern(line);
}

// --- what is known of an item ---

int64_t Judge::deadline_of(int32_t exptime) const {
  const int64_t now_ms = clock_.monotonic_ms();
  if (exptime == 0) return larder::model::kNever;
  const int64_t ms = int64_t{exptime} * 1000;
  if (exptime <= kRelativeExptimeMaxS) return std::max(now_ms, now_ms + ms);
  return std::max(now_ms, now_ms + ms - clock_.unix_ms());
}

// `cas`: the number that was chosen for it; 0: none was.
void Judge::changed(const std::string& key, uint64_t cas) {
  cas_.erase(key);
  if (cas != 0) cas_[key] = cas;
}

void Judge::add_cas(const std::string& key, Pattern& pattern) {
  const auto known = cas_.find(key);
  known == cas_.end() ? pattern.any_cas() : pattern.number(known->second);
}

// Of the item's number with the one that a request has given. If it is not known, the reply tells.
Judge::Comparison Judge::compare(const std::string& key, uint64_t number, std::string_view if_different) {
  if (const auto known = cas_.find(key); known != cas_.end()) {
    if (known->second == number) return Comparison::kEqual;
    return known->second > number ? Comparison::kGreater : Comparison::kDifferent;
  }
  if (number == 0) return Comparison::kGreater;
  if (replies_->starts_with(if_different)) return Comparison::kDifferent;
  cas_[key] = number;
  return Comparison::kEqual;
}

// --- classic commands ---

void Judge::judge_retrieval(const Request& request) {
  const std::string_view word = request.command->word;
  const bool with_cas = word == "gets" || word == "gats";
  std::string_view keys = request.keys;
  for (std::string_view key = take_token(keys); !key.empty(); key = take_token(keys)) {
    const std::string name(key);
    agree(request, key, [&] {
      Pattern pattern;
      Entry* const entry = oracle_.find(name);
      if (entry == nullptr) return pattern;
      pattern.text("VALUE ").text(name).text(" ").number(entry->flags).text(" ").number(entry->value.size());
      if (with_cas) add_cas(name, pattern.text(" "));
      pattern.text("\r\n").text(entry->value).text("\r\n");
      if (request.exptime) entry->deadline_ms = deadline_of(*request.exptime);
      return pattern;
    });
    if (has_lost_track_) return;
  }
  agree(request, {}, [] { return Pattern("END\r\n"); });
}

Pattern Judge::store(const Request& request) {
  const std::string key = key_of(request);
  Entry entry{.value = std::string(request.value),
              .flags = request.client_flags,
              .deadline_ms = deadline_of(*request.exptime)};
  const std::string_view word = request.command->word;
  if (request.too_large) {
    if (word == "set") oracle_.forget(key);
    return unless_noreply(request, "SERVER_ERROR object too large for cache\r\n");
  }
  larder::StoreResult result = larder::StoreResult::kStored;
  if (word == "add") {
    result = oracle_.add(key, std::move(entry));
  } else if (word == "replace") {
    result = oracle_.replace(key, std::move(entry));
  } else if (word == "append") {
    result = oracle_.extend(key, "", entry.value);
  } else if (word == "prepend") {
    result = oracle_.extend(key, entry.value, "");
  } else if (word == "cas") {
    if (oracle_.find(key) == nullptr) return unless_noreply(request, "NOT_FOUND\r\n");
    if (request.noreply && !cas_.contains(key)) has_lost_track_ = true;
    if (compare(key, *request.compare, "EXISTS\r\n") != Comparison::kEqual) {
      return unless_noreply(request, "EXISTS\r\n");
    }
    result = oracle_.set(key, std::move(entry));
  } else {
    result = oracle_.set(key, std::move(entry));
  }
  if (result != larder::StoreResult::kStored) return unless_noreply(request, "NOT_STORED\r\n");
  binary_keys_.erase(key);
  changed(key, 0);
  return unless_noreply(request, "STORED\r\n");
}

Pattern Judge::erase(const Request& request) {
  const bool erased = oracle_.erase(key_of(request));
  cas_.erase(key_of(request));
  return unless_noreply(request, erased ? "DELETED\r\n" : "NOT_FOUND\r\n");
}

Pattern Judge::touch(const Request& request) {
  const bool touched = oracle_.touch(key_of(request), deadline_of(*request.exptime));
  return unless_noreply(request, touched ? "TOUCHED\r\n" : "NOT_FOUND\r\n");
}

Pattern Judge::count(const Request& request) {
  const bool up = request.command->word == "incr";
  const auto change = [&](uint64_t number) {
    return up ? number + request.number : number - std::min(number, request.number);
  };
  const larder::CounterResult result = oracle_.count(key_of(request), change, std::nullopt, 0);
  if (result.status == larder::CounterStatus::kNotFound) return unless_noreply(request, "NOT_FOUND\r\n");
  if (result.status == larder::CounterStatus::kNotANumber) {
    return unless_noreply(request, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  }
  changed(key_of(request), 0);
  return unless_noreply(request, std::to_string(result.value) + "\r\n");
}

// --- meta commands ---

void Judge::add_flags(const Request& request, const Shown& shown, Pattern& pattern) {
  const auto add_ttl = [&](const std::optional<int64_t>& deadline_ms) {
    if (!deadline_ms) return;
    pattern.text(" t");
    if (*deadline_ms == larder::model::kNever) {
      pattern.text("-1");
    } else {
      pattern.number(static_cast<uint64_t>(std::max<int64_t>(*deadline_ms - clock_.monotonic_ms(), 0) + 999) /
                     1000);
    }
  };
  std::string_view flags = request.flags;
  bool is_touched = false;
  for (std::string_view flag = take_token(flags); !flag.empty(); flag = take_token(flags)) {
    const char letter = flag.front();
    if (letter == 'T') is_touched = true;
    if (letter == 'O') pattern.text(" ").text(flag);
    if (letter == 's' && shown.value_bytes) pattern.text(" s").number(*shown.value_bytes);
    if (letter == 'f' && shown.client_flags) pattern.text(" f").number(*shown.client_flags);
    if (letter == 't') add_ttl(is_touched ? shown.deadline_ms : shown.previous_deadline_ms);
    if ((letter == 'h' || letter == 'l') && shown.has_history) pattern.text(" ").text({&letter, 1}).any_number();
    if (letter == 'k') {
      pattern.text(" k").text(shown.is_key_binary ? base64_encode(shown.key) + " b" : shown.key);
    }
    if (letter == 'c' && shown.has_cas) {
      pattern.text(" c");
      shown.is_cas_0 ? (void)pattern.number(0) : add_cas(shown.key, pattern);
    }
  }
  if (shown.was_won) pattern.text(" Z");
  if (shown.is_stale) pattern.text(" X");
  if (shown.has_won) pattern.text(" W");
}

// A reply that tells nothing of an item.
Pattern Judge::bare(std::string_view code, const Request& request) {
  Pattern pattern(code);
  add_flags(request, {.key = key_of(request), .is_key_binary = request.binary_key.has_value()}, pattern);
  return pattern.text("\r\n");
}

Pattern Judge::meta_get(const Request& request) {
  const std::string key = key_of(request);
  const std::optional<int64_t> vivify_deadline_ms =
      request.vivify ? std::optional(deadline_of(*request.vivify)) : std::nullopt;
  const bool was_there = oracle_.find(key) != nullptr;
  const larder::model::Answer answer =
      oracle_.read(key, (int64_t{request.recache_s} - 1) * 1000 + 1, vivify_deadline_ms);
  if (!answer.is_found) return request.quiet ? Pattern() : bare("EN", request);
  Entry entry{.value = "", .deadline_ms = vivify_deadline_ms.value_or(0), .is_won = true};
  if (const Entry* const there = oracle_.find(key)) entry = *there;
  const int64_t previous_deadline_ms = entry.deadline_ms;
  if (request.exptime) {
    entry.deadline_ms = deadline_of(*request.exptime);
    oracle_.put(key, entry);
  }
  if (!was_there) {
    changed(key, request.cas);
    request.binary_key ? (void)binary_keys_.insert(key) : (void)binary_keys_.erase(key);
  }
  const bool is_gone = entry.deadline_ms <= clock_.monotonic_ms();
  bool is_known = false;
  if (request.compare && !(is_gone && !was_there)) {
    // The reply tells when nothing else does.
    is_known = cas_.contains(key) ? cas_[key] == *request.compare
                                  : request.with_value && *request.compare != 0 && replies_->starts_with("HD");
    if (is_known) cas_[key] = *request.compare;
  } else if (request.compare) {
    is_known = *request.compare == 0;
  }
  const bool with_value = request.with_value && !is_known;
  Pattern pattern;
  with_value ? (void)pattern.text("VA ").number(entry.value.size()) : (void)pattern.text("HD");
  add_flags(request,
            {.key = key,
             .is_key_binary = binary_keys_.contains(key),
             .value_bytes = entry.value.size(),
             .client_flags = entry.flags,
             .has_cas = true,
             .is_cas_0 = is_gone && !was_there,
             .has_history = true,
             .deadline_ms = entry.deadline_ms,
             .previous_deadline_ms = previous_deadline_ms,
             .was_won = answer.was_won,
             .is_stale = answer.is_stale,
             .has_won = answer.has_won},
            pattern);
  pattern.text("\r\n");
  if (with_value) pattern.text(entry.value).text("\r\n");
  return pattern;
}

Pattern Judge::meta_store(const Request& request) {
  const std::string key = key_of(request);
  const bool extends = request.mode == 'A' || request.mode == 'P';
  const std::string value(request.value);
  if (request.too_large) {
    if (request.mode == 'S' && !request.compare) oracle_.forget(key);
    return Pattern("SERVER_ERROR object too large for cache\r\n");
  }
  Entry entry{
      .value = value, .flags = request.client_flags, .deadline_ms = deadline_of(request.exptime.value_or(0))};
  const Shown not_stored{.key = key,
                         .is_key_binary = request.binary_key.has_value(),
                         .value_bytes = value.size(),
                         .has_cas = true,
                         .is_cas_0 = true};
  const Entry* const old = oracle_.find(key);
  const bool compares = request.compare && request.mode != 'E' && !(extends && *request.compare == 0);
  if (old != nullptr && compares) {
    if (!cas_.contains(key) && (request.quiet || request.invalidates)) {
      has_lost_track_ = true;
      return {};
    }
    const Comparison comparison = compare(key, *request.compare, "EX");
    const bool is_late =
        comparison == Comparison::kGreater && request.invalidates && *request.compare != 0 && !extends;
    if (is_late) {
      entry.deadline_ms = old->deadline_ms;
      entry.is_stale = true;
      entry.is_won = old->is_won;
    } else if (comparison != Comparison::kEqual) {
      Pattern pattern("EX");
      add_flags(request, not_stored, pattern);
      return pattern.text("\r\n");
    }
  }
  larder::StoreResult result = larder::StoreResult::kStored;
  if (extends && old == nullptr && request.vivify) {
    entry.deadline_ms = deadline_of(*request.vivify);
    result = oracle_.set(key, entry);
  } else if (extends) {
    result = request.mode == 'A' ? oracle_.extend(key, "", value) : oracle_.extend(key, value, "");
  } else if (old == nullptr && compares) {
    result = larder::StoreResult::kNotFound;
  } else if (request.mode == 'E') {
    result = oracle_.add(key, entry);
  } else if (request.mode == 'R') {
    result = oracle_.replace(key, entry);
  } else {
    result = oracle_.set(key, entry);
  }
  Pattern pattern;
  Shown shown = not_stored;
  if (result == larder::StoreResult::kStored) {
    request.binary_key ? (void)binary_keys_.insert(key) : (void)binary_keys_.erase(key);
    changed(key, request.cas);
    if (request.quiet) return {};
    const Entry* const stored = oracle_.find(key);
    pattern.text("HD");
    shown.is_cas_0 = stored == nullptr;
    if (stored != nullptr) shown.value_bytes = stored->value.size();
  } else {
    pattern.text(result == larder::StoreResult::kNotFound ? "NF" : "NS");
  }
  add_flags(request, shown, pattern);
  return pattern.text("\r\n");
}

Pattern Judge::meta_delete(const Request& request) {
  const std::string key = key_of(request);
  if (oracle_.find(key) == nullptr) return bare("NF", request);
  if (request.compare) {
    if (request.quiet && !cas_.contains(key)) {
      has_lost_track_ = true;
      return {};
    }
    if (compare(key, *request.compare, "EX") != Comparison::kEqual) return bare("EX", request);
  }
  if (!request.invalidates && !request.empties) {
    oracle_.erase(key);
    cas_.erase(key);
  } else {
    oracle_.invalidate(key, request.invalidates, request.empties);
    Entry& entry = *oracle_.find(key);
    if (request.empties) entry.flags = request.client_flags;
    if (request.exptime) entry.deadline_ms = deadline_of(*request.exptime);
    if (request.invalidates || request.cas != 0) changed(key, request.cas);
  }
  return request.quiet ? Pattern() : bare("HD", request);
}

Pattern Judge::meta_count(const Request& request) {
  const std::string key = key_of(request);
  const bool down = request.mode == 'D' || request.mode == '-';
  const auto change = [&](uint64_t number) {
    return down ? number - std::min(number, request.number) : number + request.number;
  };
  const Entry* const old = oracle_.find(key);
  if (old != nullptr && request.compare && *request.compare != 0) {
    if (request.quiet && !cas_.contains(key)) {
      has_lost_track_ = true;
      return {};
    }
    if (compare(key, *request.compare, "EX") != Comparison::kEqual) return bare("EX", request);
  }
  const int64_t previous_deadline_ms = old != nullptr ? old->deadline_ms : deadline_of(request.vivify.value_or(0));
  const int64_t deadline_ms = request.exptime ? deadline_of(*request.exptime) : previous_deadline_ms;
  const larder::CounterResult result =
      oracle_.count(key, change, request.vivify ? std::optional(request.initial) : std::nullopt, deadline_ms);
  if (result.status == larder::CounterStatus::kNotFound) return bare("NF", request);
  if (result.status == larder::CounterStatus::kNotANumber) {
    return Pattern("CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  }
  changed(key, request.cas);
  oracle_.touch(key, deadline_ms);
  if (result.status == larder::CounterStatus::kCreated) {
    request.binary_key ? (void)binary_keys_.insert(key) : (void)binary_keys_.erase(key);
  } else if (request.quiet) {
    return {};
  }
  Pattern pattern;
  const std::string number = std::to_string(result.value);
  request.with_value ? (void)pattern.text("VA ").number(number.size()) : (void)pattern.text("HD");
  add_flags(request,
            {.key = key,
             .is_key_binary = request.binary_key.has_value(),
             .has_cas = true,
             .is_cas_0 = deadline_ms <= clock_.monotonic_ms(),
             .deadline_ms = deadline_ms,
             .previous_deadline_ms = previous_deadline_ms},
            pattern);
  pattern.text("\r\n");
  if (request.with_value) pattern.text(number).text("\r\n");
  return pattern;
}

}  // namespace netd::fuzz
