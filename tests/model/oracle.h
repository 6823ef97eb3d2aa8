// What a cache must answer, in the plainest words: a map, a clock, and no memory limit.
//
// A real cache may have evicted an item at any time: before an operation is compared, `forget` tells the oracle
// what the cache no longer has.
#ifndef LARDER_TESTS_MODEL_ORACLE_H_
#define LARDER_TESTS_MODEL_ORACLE_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>

#include "larder/clock.h"
#include "larder/result.h"

namespace larder::model {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

struct Entry {
  std::string value;
  uint32_t flags = 0;
  int64_t deadline_ms = kNever;
  bool is_stale = false;
  bool is_won = false;
  // With an idle time: when it was surely used last, and when it may have been.
  std::optional<int64_t> idle_ms = {};
  int64_t used_ms = 0;
  int64_t seen_ms = 0;
  // Bit i: it has the tag i. Erasures of others may take it along.
  uint32_t tags = 0;
  bool may_be_erased = false;

  // The most that it is there without being used.
  [[nodiscard]] int64_t idle_ms_max() const { return *idle_ms + *idle_ms / 16 + 1; }
  [[nodiscard]] bool may_be_gone(int64_t now_ms) const {
    return may_be_erased || (idle_ms && now_ms - used_ms >= *idle_ms);
  }
  [[nodiscard]] bool is_gone(int64_t now_ms) const {
    return deadline_ms <= now_ms || (idle_ms && now_ms - seen_ms >= idle_ms_max());
  }
};

// What a read with recache and vivify tells.
struct Answer {
  bool is_found = false;
  bool has_won = false;
  bool was_won = false;
  bool is_stale = false;

  bool operator==(const Answer&) const = default;
};

class Oracle {
 public:
  Oracle(const Clock& clock, size_t item_bytes_max) : clock_(clock), item_bytes_max_(item_bytes_max) {}

  // The item under the key, or null.
  Entry* find(const std::string& key) {
    apply_due_flush();
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    if (found->second.is_gone(clock_.monotonic_ms())) {
      entries_.erase(found);
      return nullptr;
    }
    return &found->second;
  }

  void forget(const std::string& key) { entries_.erase(key); }

  void put(const std::string& key, Entry entry) {
    apply_due_flush();
    entry.used_ms = entry.seen_ms = clock_.monotonic_ms();
    entries_[key] = std::move(entry);
  }

  StoreResult set(const std::string& key, Entry entry) {
    if (entry.value.size() > item_bytes_max_) {
      forget(key);
      return StoreResult::kTooLarge;
    }
    put(key, std::move(entry));
    return StoreResult::kStored;
  }

  StoreResult add(const std::string& key, Entry entry) {
    return store_if(key, std::move(entry), find(key) == nullptr);
  }
  StoreResult replace(const std::string& key, Entry entry) {
    return store_if(key, std::move(entry), find(key) != nullptr);
  }

  StoreResult extend(const std::string& key, const std::string& before, const std::string& after) {
    if (before.size() + after.size() > item_bytes_max_) return StoreResult::kTooLarge;
    Entry* const entry = find(key);
    if (entry == nullptr || before.size() + entry->value.size() + after.size() > item_bytes_max_) {
      return StoreResult::kNotStored;
    }
    entry->value = before + entry->value + after;
    entry->is_stale = entry->is_won = false;
    return StoreResult::kStored;
  }

  CounterResult count(const std::string& key, const std::function<uint64_t(uint64_t)>& change,
                      std::optional<uint64_t> initial, int64_t deadline_ms) {
    Entry* const entry = find(key);
    if (entry == nullptr) {
      if (!initial) return {.status = CounterStatus::kNotFound};
      put(key, {.value = std::to_string(*initial), .deadline_ms = deadline_ms});
      return {.status = CounterStatus::kCreated, .value = *initial};
    }
    const std::optional<uint64_t> old = number_of(entry->value);
    if (!old) return {.status = CounterStatus::kNotANumber};
    const uint64_t number = change(*old);
    entry->value = std::to_string(number);
    return {.status = CounterStatus::kDone, .value = number};
  }

  Answer read(const std::string& key, int64_t recache_ms, std::optional<int64_t> vivify_deadline_ms) {
    Entry* const entry = find(key);
    if (entry == nullptr) {
      if (!vivify_deadline_ms) return {};
      put(key, {.value = "", .deadline_ms = *vivify_deadline_ms, .is_won = true});
      return {.is_found = true, .has_won = true};
    }
    Answer answer{.is_found = true, .was_won = entry->is_won, .is_stale = entry->is_stale};
    const bool is_ending = entry->deadline_ms != kNever && entry->deadline_ms - clock_.monotonic_ms() < recache_ms;
    answer.has_won = !entry->is_won && (entry->is_stale || is_ending);
    entry->is_won = entry->is_won || answer.has_won;
    return answer;
  }

  bool invalidate(const std::string& key, bool is_stale, bool is_empty) {
    Entry* const entry = find(key);
    if (entry == nullptr) return false;
    if (is_empty) *entry = {.value = "", .tags = entry->tags, .may_be_erased = entry->may_be_erased};
    entry->is_stale = is_stale;
    entry->is_won = false;
    return true;
  }

  bool touch(const std::string& key, int64_t deadline_ms) {
    Entry* const entry = find(key);
    if (entry != nullptr) entry->deadline_ms = deadline_ms;
    return entry != nullptr;
  }

  bool erase(const std::string& key) { return find(key) != nullptr && entries_.erase(key) != 0; }

  size_t erase_prefix(const std::string& prefix) {
    (void)live_entries();
    return std::erase_if(entries_, [&](const auto& pair) { return pair.first.starts_with(prefix); });
  }

  void erase_tag(uint32_t tag) {
    apply_due_flush();
    std::erase_if(entries_, [&](const auto& pair) { return (pair.second.tags & tag) != 0; });
    for (auto& [key, entry] : entries_) entry.may_be_erased = entry.may_be_erased || entry.tags != 0;
  }

  void flush(int64_t delay_ms) {
    apply_due_flush();
    if (delay_ms > 0) {
      flush_due_ms_ = clock_.monotonic_ms() + delay_ms;
    } else {
      flush_due_ms_ = kNever;
      entries_.clear();
    }
  }

  // Every item that is there now.
  const std::unordered_map<std::string, Entry>& live_entries() {
    apply_due_flush();
    std::erase_if(entries_, [&](const auto& pair) { return pair.second.is_gone(clock_.monotonic_ms()); });
    return entries_;
  }
  // Of these, those with such keys that may have gone because nobody has used them, or with the tags of others.
  size_t uncertain_entries(const std::string& prefix) {
    return static_cast<size_t>(std::ranges::count_if(live_entries(), [&](const auto& pair) {
      return pair.first.starts_with(prefix) && pair.second.may_be_gone(clock_.monotonic_ms());
    }));
  }

 private:
  StoreResult store_if(const std::string& key, Entry entry, bool condition) {
    if (entry.value.size() > item_bytes_max_) return StoreResult::kTooLarge;
    if (!condition) return StoreResult::kNotStored;
    put(key, std::move(entry));
    return StoreResult::kStored;
  }

  // Digits, with spaces around and a '+' before them allowed.
  static std::optional<uint64_t> number_of(const std::string& text) {
    const size_t begin = text.find_first_not_of(' ');
    if (begin == text.npos) return std::nullopt;
    std::string digits = text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
    if (digits.front() == '+') digits.erase(0, 1);
    if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    const std::string largest = std::to_string(std::numeric_limits<uint64_t>::max());
    if (digits.size() > largest.size() || (digits.size() == largest.size() && digits > largest))
      return std::nullopt;
    return std::stoull(digits);
  }

  void apply_due_flush() {
    if (clock_.monotonic_ms() < flush_due_ms_) return;
    flush_due_ms_ = kNever;
    entries_.clear();
  }

  const Clock& clock_;
  const size_t item_bytes_max_;
  std::unordered_map<std::string, Entry> entries_;
  int64_t flush_due_ms_ = kNever;
};

}  // namespace larder::model

#endif  // LARDER_TESTS_MODEL_ORACLE_H_
