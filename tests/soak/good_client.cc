#include "good_client.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>
#include <utility>

#include "value.h"

namespace larder::soak {
namespace {

// Of all clients together, more than the cache has room for.
constexpr size_t kPlainKeys = 8'000;
constexpr size_t kTextKeys = 2'000;
constexpr size_t kCounterKeys = 2'000;
constexpr size_t kForeignKeysMax = 20'000;
constexpr size_t kValueBytesMax = size_t{1} << 20;
constexpr size_t kSmallBytesMax = 4096;
constexpr size_t kTextBytesMax = 4096;
constexpr size_t kBatchBytesMax = size_t{2} << 20;
constexpr uint64_t kBatchRequestsMax = 24;
constexpr uint64_t kLargeOneIn = 25;
constexpr uint64_t kReconnectOneIn = 50;
// A busy server carries a request out some time between its being sent and answered.
constexpr std::chrono::milliseconds kExpiryTolerance(1500);

std::string key_text(std::string_view kind, uint64_t client, size_t number) {
  return fmt::format("{}:{}:{}", kind, client, number);
}

// Cuts a line at its spaces.
std::vector<std::string> tokens_of(std::string_view line) {
  std::vector<std::string> tokens;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) tokens.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return tokens;
}

uint64_t number_in(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

void GoodClient::run() {
  for (; load_.goes_on(); number_ += load_.good_clients) {
    begin();
    try {
      ask_and_check();
    } catch (const Gone& gone) {
      // What has become of its last batch it cannot know: it goes on as another, with keys of its own.
      load_.lose(gone.what());
    }
  }
  const std::lock_guard lock(load_.mutex);
  load_.waits.merge(waits_);
}

void GoodClient::begin() {
  connection_.reset();
  for (std::vector<Key>* const keys : {&plain_, &texts_, &counters_}) keys->clear();
  for (size_t i = 0; i < kPlainKeys; ++i) plain_.push_back({.text = key_text("p", number_, i)});
  for (size_t i = 0; i < kTextKeys; ++i) texts_.push_back({.text = key_text("t", number_, i)});
  for (size_t i = 0; i < kCounterKeys; ++i) counters_.push_back({.text = key_text("c", number_, i)});
}

void GoodClient::ask_and_check() {
  for (Clock::time_point next = Clock::now(); load_.goes_on(); std::this_thread::sleep_until(next)) {
    if (connection_ == nullptr || one_in(kReconnectOneIn)) connect();
    batch();
    const std::chrono::nanoseconds share(1'000'000'000 * checks_.size() / load_.requests_per_s_max);
    next = std::max(next + share, Clock::now());
  }
}

void GoodClient::connect() {
  connection_.reset();
  connection_ = std::make_unique<Connection>(load_.port, kGoodHost);
  add(load_.connections);
  if (load_.user.empty()) return;
  connection_->send(fmt::format("set user 0 0 {}\r\n{}\r\n", load_.user.size(), load_.user));
  if (const std::string_view line = connection_->line(); line != "STORED") {
    load_.fail(fmt::format("a user is refused: {}", line));
  }
}

void GoodClient::batch() {
  requests_.clear();
  checks_.clear();
  used_.clear();
  for (uint64_t left = 1 + below(kBatchRequestsMax); left > 0 && requests_.size() < kBatchBytesMax; --left) {
    add_request();
  }
  sent_ = Clock::now();
  connection_->send(requests_);
  for (const Check& check : checks_) check();
  waits_.add(static_cast<uint64_t>(std::chrono::nanoseconds(Clock::now() - sent_).count()));
  add(load_.requests, checks_.size());
}

void GoodClient::ask(std::string_view request, Check check) {
  requests_ += request;
  checks_.push_back(std::move(check));
}

void GoodClient::add_request() {
  switch (below(20)) {
    case 0:
    case 1:
      return add_text();
    case 2:
    case 3:
      return add_counter();
    case 4:
      return add_foreign();
    case 5:
      return add_multi_get();
    case 6:
      return ask("mn\r\n", [this] {
        if (connection_->line() != "MN") load_.fail("mn is answered by something else");
      });
    default:
      return add_plain();
  }
}

// --- keys of all sizes of values ---

void GoodClient::add_plain() {
  Key* const key = unused_key(plain_);
  if (key == nullptr) return;
  switch (below(14)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return add_store(*key);
    case 4:
    case 5:
      return add_meta_store(*key);
    case 6:
      return add_delete(*key);
    case 7:
      return add_touch(*key);
    case 8:
      return add_silent(*key);
    case 9:
    case 10:
    case 11:
      return add_meta_get(*key);
    default:
      return add_get(*key);
  }
}

void GoodClient::add_store(Key& key) {
  const bool is_cas = key.entry && key.entry->cas != 0 && one_in(2);
  const char* const verb = is_cas ? "cas" : one_in(4) ? "add" : one_in(4) ? "replace" : "set";
  Entry entry = next_entry(key);
  const uint32_t ttl_s = any_ttl_s();
  const std::string value = value_of_entry(key, entry);
  const std::string cas = is_cas ? fmt::format(" {}", key.entry->cas) : "";
  ask(fmt::format("{} {} {} {} {}{}\r\n{}\r\n", verb, key.text, entry.flags, ttl_s, value.size(), cas, value),
      [this, &key, verb = std::string_view(verb), entry, ttl_s]() mutable {
        const std::string line(connection_->line());
        set_ttl(entry, ttl_s);
        if (is_for_memory(line)) {
          if (verb == "set") key.entry.reset();
        } else if (line == "STORED") {
          require(key.entry || verb == "set" || verb == "add", key, "what is not there is replaced");
          key.entry = entry;
        } else if (line == "EXISTS") {
          require(verb != "cas", key, "the CAS number has changed, and nobody has changed the item");
        } else if (line == "NOT_STORED" && verb == "add") {
          require(key.entry.has_value(), key, "what is not there keeps something from being added");
        } else {
          const bool is_gone =
              (line == "NOT_STORED" && verb == "replace") || (line == "NOT_FOUND" && verb == "cas");
          require(is_gone, key, fmt::format("the answer to {} is {}", verb, line));
          key.entry.reset();
        }
      });
}

void GoodClient::add_meta_store(Key& key) {
  Entry entry = next_entry(key);
  const uint32_t ttl_s = any_ttl_s();
  const std::string value = value_of_entry(key, entry);
  const bool is_quiet = one_in(3);
  ask(fmt::format("ms {} {} T{} F{} c{}\r\n{}\r\n{}", key.text, value.size(), ttl_s, entry.flags,
                  is_quiet ? " q" : "", value, is_quiet ? "mn\r\n" : ""),
      [this, &key, entry, ttl_s, is_quiet]() mutable {
        std::string line(connection_->line());
        set_ttl(entry, ttl_s);
        key.entry = entry;
        if (is_for_memory(line)) {
          key.entry.reset();
          if (is_quiet) line = connection_->line();
        } else if (!is_quiet) {
          require(line.starts_with("HD c"), key, fmt::format("the answer to ms is {}", line));
          key.entry->cas = number_in(std::string_view(line).substr(4));
        }
        if (is_quiet) require(line == "MN", key, fmt::format("the answer to a quiet ms and mn is {}", line));
      });
}

// Requests that are not answered, and one that is.
void GoodClient::add_silent(Key& key) {
  const Entry entry = next_entry(key);
  const std::string value = value_of_entry(key, entry);
  const bool is_deleted = one_in(3);
  ask(fmt::format("set {} {} 0 {} noreply\r\n{}\r\n{}mn\r\n", key.text, entry.flags, value.size(), value,
                  is_deleted ? fmt::format("delete {} noreply\r\n", key.text) : ""),
      [this, &key, entry, is_deleted] {
        const std::string line(connection_->line());
        require(line == "MN", key, fmt::format("the answer to silent requests is {}", line));
        key.entry.reset();
        if (!is_deleted) key.entry = entry;
      });
}

void GoodClient::add_delete(Key& key) {
  if (one_in(3) && key.entry) {
    // Stale from now on, and with another CAS number.
    return ask(fmt::format("md {} I\r\n", key.text), [this, &key] {
      const std::string line(connection_->line());
      require(line == "HD" || line == "NF", key, fmt::format("the answer to md is {}", line));
      if (line == "NF") return key.entry.reset();
      require(key.entry.has_value(), key, "what is not there is declared stale");
      key.entry->is_stale = true;
      key.entry->cas = 0;
    });
  }
  ask(fmt::format("delete {}\r\n", key.text), [this, &key] {
    const std::string line(connection_->line());
    require(line == "DELETED" || line == "NOT_FOUND", key, fmt::format("the answer to delete is {}", line));
    require(line == "NOT_FOUND" || key.entry, key, "what is not there is deleted");
    key.entry.reset();
  });
}

void GoodClient::add_touch(Key& key) {
  const uint32_t ttl_s = any_ttl_s();
  const bool is_gat = one_in(2);
  ask(fmt::format("{} {}\r\n", is_gat ? fmt::format("gat {}", ttl_s) : "touch",
                  is_gat ? key.text : fmt::format("{} {}", key.text, ttl_s)),
      [this, &key, ttl_s, is_gat] {
        if (is_gat) {
          check_values({&key});
        } else {
          const std::string line(connection_->line());
          require(line == "TOUCHED" || line == "NOT_FOUND", key, fmt::format("the answer to touch is {}", line));
          require(line == "NOT_FOUND" || key.entry, key, "what is not there is touched");
          if (line == "NOT_FOUND") key.entry.reset();
        }
        // A touch that found no room leaves the expiry as it was, and so the later of both counts.
        if (!key.entry) return;
        const Clock::time_point end_before = key.entry->end;
        set_ttl(*key.entry, ttl_s);
        key.entry->end = is_gat ? std::max(key.entry->end, end_before) : key.entry->end;
      });
}

void GoodClient::add_get(Key& key) {
  ask(fmt::format("{} {}\r\n", one_in(3) ? "gets" : "get", key.text), [this, &key] { check_values({&key}); });
}

void GoodClient::add_multi_get() {
  std::vector<Key*> keys;
  std::string request = one_in(2) ? "get" : "gets";
  for (uint64_t left = 2 + below(40); left > 0; --left) {
    Key* const key = unused_key(plain_);
    if (key == nullptr) continue;
    keys.push_back(key);
    request += " " + key->text;
  }
  if (keys.empty()) return;
  ask(request + "\r\n", [this, keys] { check_values(keys); });
}

void GoodClient::add_meta_get(Key& key) {
  const bool is_quiet = one_in(3);
  ask(fmt::format("mg {} s v f c k O{}{}\r\n{}", key.text, number_, is_quiet ? " q" : "", is_quiet ? "mn\r\n" : ""),
      [this, &key, is_quiet] {
        std::string line(connection_->line());
        if (line.starts_with("VA ")) {
          const std::vector<std::string> tokens = tokens_of(line);
          require(tokens.size() >= 7 && tokens[2] == "s" + tokens[1] && tokens[5] == "k" + key.text &&
                      tokens[6] == fmt::format("O{}", number_),
                  key, fmt::format("the answer to mg is {}", line));
          if (load_.wrong > 0) return;
          const auto has = [&](std::string_view mark) {
            return std::find(tokens.begin() + 7, tokens.end(), mark) != tokens.end();
          };
          require(key.entry && has("X") == key.entry->is_stale, key, fmt::format("the marks of a reply: {}", line));
          require(!has("W") || has("X"), key, "what is not stale is won");
          const uint64_t cas = number_in(std::string_view(tokens[4]).substr(1));
          const auto flags = static_cast<uint32_t>(number_in(std::string_view(tokens[3]).substr(1)));
          check_item(key, connection_->block(number_in(tokens[1])), flags, cas);
          if (is_quiet) line = connection_->line();
        } else {
          if (!is_for_memory(line)) {
            require(line == (is_quiet ? "MN" : fmt::format("EN k{} O{}", key.text, number_)) || line == "EN", key,
                    fmt::format("the answer to mg is {}", line));
            key.entry.reset();
          } else if (is_quiet) {
            line = connection_->line();
          }
        }
        if (is_quiet) require(line == "MN", key, fmt::format("the answer to mn is {}", line));
      });
}

// --- keys whose values grow ---

void GoodClient::add_text() {
  Key* const key = unused_key(texts_);
  if (key == nullptr) return;
  if (one_in(3)) return add_get(*key);
  Entry entry = key->entry.value_or(Entry());
  const std::string piece = value_of(key->text, ++key->versions, 1 + below(200));
  const bool extends = key->entry && entry.value.size() < kTextBytesMax && !one_in(8);
  const bool is_append = one_in(2);
  const char* const verb = !extends ? "set" : is_append ? "append" : "prepend";
  entry.value = !extends ? piece : is_append ? entry.value + piece : piece + entry.value;
  entry.value_bytes = entry.value.size();
  entry.cas = 0;
  ask(fmt::format("{} {} 0 0 {}\r\n{}\r\n", verb, key->text, piece.size(), piece), [this, key, entry, extends] {
    const std::string line(connection_->line());
    if (is_for_memory(line)) {
      if (!extends) key->entry.reset();
    } else if (line == "STORED") {
      key->entry = entry;
    } else {
      // It may be that there was no room: what there was is still the same then.
      require(line == "NOT_STORED" && extends, *key, fmt::format("the answer to a store is {}", line));
    }
  });
}

void GoodClient::add_counter() {
  Key* const key = unused_key(counters_);
  if (key == nullptr) return;
  if (one_in(4)) return add_get(*key);
  if (!key->entry || one_in(10)) {
    Entry entry{.value = std::to_string(below(1000))};
    entry.value_bytes = entry.value.size();
    return ask(fmt::format("set {} 0 0 {}\r\n{}\r\n", key->text, entry.value_bytes, entry.value),
               [this, key, entry] {
                 const std::string line(connection_->line());
                 key->entry.reset();
                 if (is_for_memory(line)) return;
                 require(line == "STORED", *key, fmt::format("the answer to set is {}", line));
                 key->entry = entry;
               });
  }
  const uint64_t delta = below(100);
  const uint64_t old = number_in(key->entry->value);
  const bool is_up = one_in(2);
  const std::string number = std::to_string(is_up ? old + delta : old - std::min(old, delta));
  const bool is_meta = one_in(2);
  const std::string request = is_meta ? fmt::format("ma {} D{} M{} v\r\n", key->text, delta, is_up ? 'I' : 'D')
                                      : fmt::format("{} {} {}\r\n", is_up ? "incr" : "decr", key->text, delta);
  ask(request, [this, key, number, is_meta] {
    std::string line(connection_->line());
    if (is_for_memory(line)) return;
    if (line == "NOT_FOUND" || line == "NF") return key->entry.reset();
    if (is_meta) {
      require(line == fmt::format("VA {}", number.size()), *key, fmt::format("the answer to ma is {}", line));
      line = connection_->line();
    }
    require(line == number, *key, fmt::format("the number is {}, not {}", line, number));
    key->entry->value = number;
    key->entry->value_bytes = number.size();
    key->entry->cas = 0;
  });
}

// --- keys of other clients ---

// They change, but never backwards.
void GoodClient::add_foreign() {
  const std::string key = key_text("p", below(load_.good_clients), below(kPlainKeys));
  ask(fmt::format("get {}\r\n", key), [this, key] {
    const std::string line(connection_->line());
    if (line == "END" || is_for_memory(line)) return;
    const std::vector<std::string> tokens = tokens_of(line);
    if (tokens.size() != 4 || tokens[0] != "VALUE" || tokens[1] != key) {
      return load_.fail(fmt::format("the answer to a get of {} is {}", key, line));
    }
    const std::string value(connection_->block(number_in(tokens[3])));
    if (const std::string last(connection_->line()); last != "END" && !is_for_memory(last)) {
      return load_.fail(fmt::format("{} is where END should be", last));
    }
    const std::optional<uint64_t> version = version_in(value);
    if (!version) return;
    if (value != value_of(key, *version, value.size()) || number_in(tokens[2]) != checksum(key, *version)) {
      return load_.fail(fmt::format("{} holds a value that nobody has stored", key));
    }
    if (foreign_versions_.size() > kForeignKeysMax) foreign_versions_.clear();
    uint64_t& seen = foreign_versions_[key];
    if (*version < seen) load_.fail(fmt::format("{} has gone back from version {} to {}", key, seen, *version));
    seen = *version;
  });
}

// --- what they have in common ---

GoodClient::Key* GoodClient::unused_key(std::vector<Key>& keys) {
  // Some keys are asked for more often than others.
  const size_t number = one_in(2) ? below(keys.size()) : below(1 + below(keys.size()));
  Key* const key = &keys[number];
  return used_.insert(key).second ? key : nullptr;
}

GoodClient::Entry GoodClient::next_entry(Key& key) {
  Entry entry{.version = ++key.versions, .value_bytes = any_size()};
  entry.flags = checksum(key.text, entry.version);
  return entry;
}

std::string GoodClient::value_of_entry(const Key& key, const Entry& entry) const {
  return entry.version == 0 ? entry.value : value_of(key.text, entry.version, entry.value_bytes);
}

// As many small ones as large ones, below the limit: the logarithm is uniform.
size_t GoodClient::any_size() {
  const size_t bytes_max = one_in(kLargeOneIn) ? kValueBytesMax : kSmallBytesMax;
  const double share = std::uniform_real_distribution<double>(0, 1)(random_);
  return static_cast<size_t>(std::pow(static_cast<double>(bytes_max) + 1, share)) - 1;
}

uint32_t GoodClient::any_ttl_s() {
  switch (below(4)) {
    case 0:
      return 1 + static_cast<uint32_t>(below(5));
    case 1:
      return 10 + static_cast<uint32_t>(below(600));
    default:
      return 0;
  }
}

// From now on: the server has begun to count before.
void GoodClient::set_ttl(Entry& entry, uint32_t ttl_s) const {
  entry.end = ttl_s == 0 ? Clock::time_point::max() : Clock::now() + std::chrono::seconds(ttl_s);
}

void GoodClient::check_values(const std::vector<Key*>& keys) {
  size_t next = 0;
  while (true) {
    const std::string line(connection_->line());
    const bool is_end = line == "END";
    if (is_for_memory(line)) return;
    const std::vector<std::string> tokens = tokens_of(line);
    if (!is_end && (tokens.size() < 4 || tokens[0] != "VALUE")) {
      return load_.fail(fmt::format("the answer to a get is {}", line));
    }
    // Those in front of the one that was found are gone.
    while (next < keys.size() && (is_end || keys[next]->text != tokens[1])) {
      keys[next++]->entry.reset();
      add(load_.misses);
    }
    if (is_end) return;
    if (next == keys.size()) return load_.fail(fmt::format("nobody has asked for {}", line));
    const std::optional<uint64_t> cas =
        tokens.size() > 4 ? std::optional(number_in(tokens[4])) : std::optional<uint64_t>();
    check_item(*keys[next++], connection_->block(number_in(tokens[3])), static_cast<uint32_t>(number_in(tokens[2])),
               cas);
  }
}

void GoodClient::check_item(Key& key, std::string_view data, uint32_t flags, std::optional<uint64_t> cas) {
  add(load_.hits);
  require(key.entry.has_value(), key, "what is not there is found");
  if (!key.entry) return;
  Entry& entry = *key.entry;
  require(flags == entry.flags, key, fmt::format("the client flags are {} and not {}", flags, entry.flags));
  require(data == value_of_entry(key, entry), key,
          fmt::format("the value of {} bytes is not that of version {} and {} bytes", data.size(), entry.version,
                      entry.value_bytes));
  require(sent_ < entry.end || sent_ - entry.end < kExpiryTolerance, key, "it outlives its expiry");
  if (!cas) return;
  require(entry.cas == 0 || entry.cas == *cas, key, "the CAS number has changed, and nobody has changed the item");
  entry.cas = *cas;
}

void GoodClient::require(bool holds, const Key& key, std::string_view what) {
  if (!holds) load_.fail(fmt::format("{}: {}", key.text, what));
}

bool GoodClient::is_for_memory(std::string_view line) {
  const bool is = line.starts_with("SERVER_ERROR out of memory");
  if (is) add(load_.refused_for_memory);
  return is;
}

}  // namespace larder::soak
