// Random operations on a cache and on the oracle, one thread: every answer must be the same.
#include "model/oracle.h"

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/hot_keys.h"
#include "larder/renewal.h"
#include "larder/serving.h"
#include "larder/sizing.h"
#include "model/random.h"

namespace larder::model {
namespace {

struct Setting {
  size_t memory_limit_bytes;
  size_t item_bytes_max;
  uint64_t keys;
  uint64_t typical_value_bytes;
  size_t namespace_limit;
  bool can_evict;  // the keys do not fit: an item may be gone, but never be wrong
  size_t external_bytes = 0;
};

class Comparison {
 public:
  Comparison(const Setting& setting, uint64_t seed)
      : setting_(setting), random_(seed), oracle_(clock_, setting.item_bytes_max) {
    Options options;
    options.memory_limit_bytes = setting.memory_limit_bytes;
    options.item_bytes_max = setting.item_bytes_max;
    options.clock = &clock_;
    options.seed = seed;
    options.curve_share_max = 1;
    options.namespaces = {{.prefix = "key 1", .item_bytes_limit = setting.namespace_limit}, {.prefix = "key 22"}};
    auto cache = Cache::create(options);
    REQUIRE(cache.ok());
    cache_ = *std::move(cache);
    add_external_bytes(*cache_, static_cast<int64_t>(setting.external_bytes));
  }

  void run(uint64_t operations) {
    for (uint64_t i = 0; i < operations; ++i) {
      step();
      if (random_.one_in(20'000)) compare_all();
    }
    compare_all();
  }

 private:
  void step() {
    const std::string key = random_key();
    reconcile(key);
    if (Entry* const entry = oracle_.find(key)) entry->seen_ms = clock_.monotonic_ms();
    switch (random_.below(32)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return set(key);
      case 6:
        return compare_store(
            key, [&](const Entry& e, const SetOptions& o) { return cache_->add(key, e.value, o); },
            [&](const Entry& e) { return oracle_.add(key, e); });
      case 7:
        return compare_store(
            key, [&](const Entry& e, const SetOptions& o) { return cache_->replace(key, e.value, o); },
            [&](const Entry& e) { return oracle_.replace(key, e); });
      case 8:
        return extend(key);
      case 9:
      case 10:
        return count(key);
      case 11:
      case 12:
        return erase(key);
      case 13:
      case 14:
        return touch(key);
      case 15:
      case 16:
        return compare_and_set(key);
      case 17:
        clock_.advance_ms(static_cast<int64_t>(random_.below(40)));
        return;
      case 18:
        if (random_.one_in(400)) flush();
        return;
      case 19:
        if (random_.one_in(50)) (void)cache_->maintain(1 << 16);
        return;
      case 20:
      case 21:
        return win(key);
      case 22:
        return invalidate(key);
      case 23:
      case 24:
        return update(key);
      case 25:
        if (random_.one_in(400)) erase_some();
        if (random_.one_in(400)) flush_namespace();
        if (random_.one_in(20)) erase_tag();
        return;
      default:
        return read(key);
    }
  }

  std::string random_key() {
    const uint64_t number = random_.below(setting_.keys);
    // Mostly short keys, a few that need the long form of the key size.
    return number % 97 == 0 ? "key " + std::to_string(number) + std::string(300 + number % 700, '.')
                            : "key " + std::to_string(number);
  }

  Entry random_entry() {
    uint64_t bytes = random_.below(setting_.typical_value_bytes);
    if (random_.one_in(50)) bytes = random_.below(setting_.item_bytes_max + 16);
    Entry entry{.value = std::string(bytes, static_cast<char>('a' + random_.below(26)))};
    if (random_.one_in(4)) entry.value = std::to_string(random_.below(1'000'000));
    if (random_.one_in(3)) entry.flags = static_cast<uint32_t>(random_.below(UINT32_MAX));
    entry.deadline_ms = random_deadline();
    if (random_.one_in(5))
      entry.idle_ms = 1 + static_cast<int64_t>(random_.below(random_.one_in(2) ? 100 : 100'000));
    if (random_.one_in(5)) {
      for (uint64_t count = 1 + random_.below(kTagsMax); count > 0; --count) entry.tags |= random_tag();
    }
    return entry;
  }

  uint32_t random_tag() { return uint32_t{1} << random_.below(32); }

  int64_t random_deadline() {
    if (!random_.one_in(3)) return kNever;
    return clock_.monotonic_ms() +
           static_cast<int64_t>(random_.one_in(2) ? random_.below(200) : random_.below(10'000'000));
  }

  Expiry expiry_of(int64_t deadline_ms) {
    if (deadline_ms == kNever) return Expiry::never();
    const std::chrono::milliseconds left(deadline_ms - clock_.monotonic_ms());
    if (random_.one_in(2)) return left;
    return std::chrono::system_clock::time_point(std::chrono::milliseconds(clock_.unix_ms())) + left;
  }

  // What the cache has evicted, the oracle may forget; nothing else may be missing, and nothing may be too much.
  void reconcile(const std::string& key) {
    const bool is_expected = oracle_.find(key) != nullptr;
    const bool is_there = cache_->contains(key);
    REQUIRE((cache_->explain(key).state == KeyState::kPresent) == is_there);
    if (is_expected && !is_there) {
      const bool may_be_gone = oracle_.find(key)->may_be_gone(clock_.monotonic_ms());
      if (setting_.can_evict || may_be_gone) return oracle_.forget(key);
    }
    REQUIRE(is_there == is_expected);
  }

  // The cache's answer must be the oracle's; or, where items can be evicted, the answer it would give without the
  // item: making room for an operation may cost the very item it is about.
  template <class Answer, class Expected>
  void agree(const std::string& key, const Answer& answer, Expected&& expected) {
    Answer expected_answer = expected();
    if (setting_.can_evict && !(answer == expected_answer)) {
      oracle_.forget(key);
      expected_answer = expected();
    }
    REQUIRE((answer == expected_answer));
    compare(key);
  }

  void set(const std::string& key) {
    compare_store(
        key, [&](const Entry& e, const SetOptions& o) { return cache_->set(key, e.value, o); },
        [&](const Entry& e) { return oracle_.set(key, e); });
  }

  template <class Store, class Expected>
  void compare_store(const std::string& key, Store&& store, Expected&& expected) {
    const Entry entry = random_entry();
    const StoreResult result = store(entry, options_of(entry));
    agree(key, result, [&] { return expected(entry); });
  }

  SetOptions options_of(const Entry& entry) {
    SetOptions options{.flags = entry.flags, .expiry = expiry_of(entry.deadline_ms)};
    if (entry.idle_ms) options.idle = std::chrono::milliseconds(*entry.idle_ms);
    std::vector<std::string> tags;
    for (uint32_t left = entry.tags; left != 0; left &= left - 1) tags.push_back(std::to_string(left & -left));
    options.tags = Tags::of(tags).value();
    return options;
  }

  void extend(const std::string& key) {
    const std::string addition(random_.below(setting_.typical_value_bytes / 4 + 1), '_');
    if (random_.one_in(2)) {
      agree(key, cache_->append(key, addition), [&] { return oracle_.extend(key, "", addition); });
    } else {
      agree(key, cache_->prepend(key, addition), [&] { return oracle_.extend(key, addition, ""); });
    }
  }

  void count(const std::string& key) {
    const uint64_t delta = random_.below(1000);
    CounterOptions options;
    int64_t deadline_ms = kNever;
    if (random_.one_in(2)) {
      options.initial = random_.below(500);
      deadline_ms = random_deadline();
      options.expiry = expiry_of(deadline_ms);
    }
    const auto comparable = [](const CounterResult& result) { return std::pair(result.status, result.value); };
    if (random_.one_in(2)) {
      agree(key, comparable(cache_->incr(key, delta, options)), [&] {
        return comparable(oracle_.count(
            key, [&](uint64_t n) { return n + delta; }, options.initial, deadline_ms));
      });
    } else {
      agree(key, comparable(cache_->decr(key, delta, options)), [&] {
        return comparable(oracle_.count(
            key, [&](uint64_t n) { return n < delta ? 0 : n - delta; }, options.initial, deadline_ms));
      });
    }
  }

  void erase(const std::string& key) {
    REQUIRE((cache_->erase(key) == EraseResult::kErased) == oracle_.erase(key));
    compare(key);
  }

  void touch(const std::string& key) {
    const int64_t deadline_ms = random_deadline();
    const Expiry expiry = expiry_of(deadline_ms);
    const std::optional<Item> before = cache_->peek(key);
    if (random_.one_in(2)) {
      agree(key, cache_->touch(key, expiry), [&] { return oracle_.touch(key, deadline_ms); });
    } else {
      const std::optional<Item> item = cache_->get_and_touch(key, expiry);
      if (item && before) REQUIRE(item->value == before->value);
      agree(key, item.has_value(), [&] { return oracle_.touch(key, deadline_ms); });
    }
    if (const std::optional<Item> after = cache_->peek(key)) REQUIRE(after->cas == before->cas);
  }

  void compare_and_set(const std::string& key) {
    const std::optional<Item> before = cache_->peek(key);
    const Entry entry = random_entry();
    const bool is_right = random_.one_in(2);
    const uint64_t expected = before ? before->cas + (is_right ? 0 : 1) : 7;
    const StoreResult result = cache_->cas(key, entry.value, expected, options_of(entry));
    agree(key, result, [&] {
      if (entry.value.size() > setting_.item_bytes_max) return StoreResult::kTooLarge;
      if (oracle_.find(key) == nullptr) return StoreResult::kNotFound;
      if (!is_right) return StoreResult::kExists;
      oracle_.put(key, entry);
      return StoreResult::kStored;
    });
    if (result != StoreResult::kStored) return;
    if (const std::optional<Item> after = cache_->peek(key)) REQUIRE(cas_numbers_.insert(after->cas).second);
  }

  void win(const std::string& key) {
    const auto recache_ms = static_cast<int64_t>(random_.one_in(2) ? 0 : random_.below(400));
    ReadOptions options{.recache = std::chrono::milliseconds(recache_ms),
                        .marks_used = !random_.one_in(4),
                        .wants_history = random_.one_in(4)};
    std::optional<int64_t> vivify_deadline_ms;
    if (random_.one_in(2)) {
      vivify_deadline_ms = random_deadline();
      options.vivify = SetOptions{.expiry = expiry_of(*vivify_deadline_ms)};
    }
    Answer answer;
    answer.is_found = larder::read(*cache_, key, options, [&](const Reading& reading) {
      answer.has_won = reading.has_won;
      answer.was_won = reading.item.is_won && !reading.has_won;
      answer.is_stale = reading.item.is_stale;
    });
    forget_if_made_anew(key, answer.has_won && vivify_deadline_ms);
    agree(key, answer, [&] { return oracle_.read(key, recache_ms, vivify_deadline_ms); });
  }

  // An item that was evicted for the room that its mark needs, and then created, is answered for as if it had been
  // there all the time.
  void forget_if_made_anew(const std::string& key, bool may_be_created) {
    const Entry* const expected = oracle_.find(key);
    if (!setting_.can_evict || !may_be_created || expected == nullptr || expected->value.empty()) return;
    const std::optional<Item> item = cache_->peek(key);
    if (item && item->value.empty()) oracle_.forget(key);
  }

  void invalidate(const std::string& key) {
    const bool is_stale = random_.one_in(2);
    const bool is_empty = !is_stale || random_.one_in(4);
    const InvalidateOptions options{.is_stale = is_stale, .is_empty = is_empty};
    agree(key, larder::invalidate(*cache_, key, options) == EraseResult::kErased,
          [&] { return oracle_.invalidate(key, is_stale, is_empty); });
  }

  // As set, erase or no operation at all would do, given what there is.
  void update(const std::string& key) {
    Entry entry = random_entry();
    // That stays.
    const Entry* const before = oracle_.find(key);
    entry.idle_ms = before != nullptr ? before->idle_ms : std::nullopt;
    entry.tags = before != nullptr ? before->tags : 0;
    entry.may_be_erased = before != nullptr && before->may_be_erased;
    const bool erases = random_.one_in(8);
    const bool is_for_present = random_.one_in(2);
    const auto outcome = cache_->update(key, [&](const ItemView* item) {
      if ((item != nullptr) != is_for_present) return Update::leave();
      return erases ? Update::erase() : Update::store(entry.value, expiry_of(entry.deadline_ms), entry.flags);
    });
    agree(key, outcome.status, [&] {
      if ((oracle_.find(key) != nullptr) != is_for_present) return UpdateStatus::kLeft;
      if (erases) return oracle_.erase(key) ? UpdateStatus::kErased : UpdateStatus::kLeft;
      if (entry.value.size() > setting_.item_bytes_max) return UpdateStatus::kTooLarge;
      oracle_.put(key, entry);
      return UpdateStatus::kStored;
    });
  }

  void erase_some() {
    const std::string prefix = "key " + std::to_string(random_.below(100));
    const size_t uncertain = oracle_.uncertain_entries(prefix);
    const size_t expected = oracle_.erase_prefix(prefix);
    const size_t erased =
        random_.one_in(2) ? erase_prefix(*cache_, prefix)
                          : cache_->erase_if([&](const ItemView& item) { return item.key.starts_with(prefix); });
    REQUIRE(erased <= expected);
    if (!setting_.can_evict) REQUIRE(erased + uncertain >= expected);
  }

  void erase_tag() {
    const uint32_t tag = random_tag();
    larder::erase_tag(*cache_, std::to_string(tag));
    oracle_.erase_tag(tag);
  }

  void flush_namespace() {
    const std::string prefix = random_.one_in(2) ? "key 1" : "key 22";
    REQUIRE(cache_->flush_namespace(prefix));
    (void)oracle_.erase_prefix(prefix);
  }

  void flush() {
    const auto delay_ms = static_cast<int64_t>(random_.one_in(2) ? 0 : random_.below(300));
    cache_->flush_all(std::chrono::milliseconds(delay_ms));
    oracle_.flush(delay_ms);
  }

  void read(const std::string& key) {
    const Entry* const expected = oracle_.find(key);
    std::string value = "untouched";
    switch (random_.below(3)) {
      case 0: {
        const bool is_found = cache_->get(key, value);
        REQUIRE(is_found == (expected != nullptr));
        REQUIRE(value == (expected != nullptr ? expected->value : "untouched"));
        break;
      }
      case 1:
        REQUIRE(cache_->visit(key, [&](const ItemView& item) {
          REQUIRE(expected != nullptr);
          REQUIRE(item.key == key);
          REQUIRE(item.value == expected->value);
        }) == (expected != nullptr));
        break;
      default:
        compare(key);
    }
  }

  void compare(const std::string& key) {
    reconcile(key);
    const Entry* const expected = oracle_.find(key);
    const std::optional<Item> item = cache_->get(key);
    REQUIRE(item.has_value() == (expected != nullptr));
    if (expected == nullptr) return;
    REQUIRE(item->value == expected->value);
    REQUIRE(item->flags == expected->flags);
    REQUIRE(item->cas != 0);
    REQUIRE(item->is_stale == expected->is_stale);
    REQUIRE(item->is_won == expected->is_won);
    const int64_t left =
        expected->deadline_ms == kNever ? kNeverExpires : expected->deadline_ms - clock_.monotonic_ms();
    if (!expected->idle_ms) {
      REQUIRE(item->ttl_ms == left);
      return;
    }
    REQUIRE(item->ttl_ms > 0);
    REQUIRE(item->ttl_ms <= expected->idle_ms_max());
    if (left != kNeverExpires) REQUIRE(item->ttl_ms <= left);
    Entry& used = *oracle_.find(key);
    used.used_ms = used.seen_ms = clock_.monotonic_ms();
  }

  void compare_all() {
    const absl::Status valid = assert_valid(*cache_);
    REQUIRE_MESSAGE(valid.ok(), valid.ToString());
    uint64_t shown = 0;
    cache_->for_each([&](const ItemView& item) {
      ++shown;
      const Entry* const expected = oracle_.find(std::string(item.key));
      REQUIRE(expected != nullptr);
      REQUIRE(item.value == expected->value);
      return true;
    });
    const uint64_t expected = oracle_.live_entries().size();
    REQUIRE(shown <= expected);
    if (!setting_.can_evict) REQUIRE(shown + oracle_.uncertain_entries("") >= expected);
    const Stats stats = cache_->stats();
    REQUIRE(stats.items >= shown);
    REQUIRE(stats.memory_used_bytes <= stats.memory_limit_bytes);
    if (!setting_.can_evict) REQUIRE(stats.evictions == 0);
    for (const MissRatio& size : miss_ratio_curve(*cache_).sizes) {
      REQUIRE(size.miss_ratio >= 0);
      REQUIRE(size.miss_ratio <= 1);
    }
    for (const HotKey& key : hot_keys(*cache_, 10)) {
      REQUIRE(key.share > 0);
      REQUIRE(key.share <= 1);
      REQUIRE(key.key_bytes >= key.key.size());
    }
  }

  const Setting setting_;
  Random random_;
  ManualClock clock_;
  Oracle oracle_;
  std::unique_ptr<Cache> cache_;
  std::set<uint64_t> cas_numbers_;
};

void compare_in(const Setting& setting) {
  Comparison(setting, seed_of_this_run()).run(150'000 * rounds_of_this_run());
}

TEST_CASE("a cache with room for everything answers like the oracle") {
  compare_in({.memory_limit_bytes = 64 << 20,
              .item_bytes_max = 1 << 20,
              .keys = 300,
              .typical_value_bytes = 200,
              .namespace_limit = 0,
              .can_evict = false});
}

TEST_CASE("a full cache of small items forgets, but never answers wrongly") {
  compare_in({.memory_limit_bytes = 1 << 20,
              .item_bytes_max = 1 << 10,
              .keys = 20'000,
              .typical_value_bytes = 150,
              .namespace_limit = 100'000,
              .can_evict = true});
}

TEST_CASE("a full cache of items of all sizes forgets, but never answers wrongly") {
  compare_in({.memory_limit_bytes = 4 << 20,
              .item_bytes_max = 1 << 20,
              .keys = 3'000,
              .typical_value_bytes = 5'000,
              .namespace_limit = 2 << 20,
              .can_evict = true});
}

TEST_CASE("a full cache with segments of 2 MiB forgets, but never answers wrongly") {
  compare_in({.memory_limit_bytes = 300 << 20,
              .item_bytes_max = 1 << 20,
              .keys = 3'000,
              .typical_value_bytes = 10'000,
              .namespace_limit = 4 << 20,
              .can_evict = true,
              .external_bytes = 270 << 20});
}

}  // namespace
}  // namespace larder::model
