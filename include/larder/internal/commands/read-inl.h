#ifndef LARDER_INTERNAL_COMMANDS_READ_INL_H_
#define LARDER_INTERNAL_COMMANDS_READ_INL_H_

#include <optional>
#include <string>

#include "larder/api.h"
#include "larder/internal/commands/read.h"
#include "larder/internal/engine/decision.h"

namespace larder::internal {

inline bool can_win(const ItemView& item, const ReadOptions& options) {
  const bool is_about_to_expire =
      item.expiry_ttl_ms != kNeverExpires && item.expiry_ttl_ms < options.recache.count();
  return options.may_win && !item.is_won && (item.is_stale || is_about_to_expire);
}

// A read that changes something of the item.
class ChangingRead {
 public:
  // is_use: it counts as a use of the item.
  ChangingRead(Engine& engine, const ReadOptions& options, Reader reader, bool is_use, int64_t now_ms)
      : engine_(engine), options_(options), reader_(reader), is_use_(is_use), now_ms_(now_ms) {
    if (options.vivify && !options.vivify->tags.empty()) {
      tags_.emplace(options.vivify->tags, engine.erased_tags().count());
    }
  }

  // Nothing when there is no item.
  [[nodiscard]] const Reading* run(const KeyRef& key) {
    History history;
    const std::optional<uint64_t> cas = engine_.mutate(
        key, now_ms_, [&](const StoredItem* item) { return decide(item); },
        options_.vivify ? Placeholders::kShown : Placeholders::kHidden,
        options_.wants_history ? &history : nullptr);
    if (!is_found_ || (!cas && reading_.is_created)) return nullptr;
    reading_.item.key = key.bytes;
    reading_.item.value = value_;
    reading_.was_fetched = history.was_fetched;
    reading_.idle_s = history.idle_s;
    if (reading_.is_created) reading_.item.cas = *cas;
    if (cas) settle();
    return &reading_;
  }

 private:
  Decision decide(const StoredItem* item) {
    if (item == nullptr) return create();
    if (item->content.has(kMarkAbsent) && reader_ == Reader::kAnyone) return create();
    if (!item->content.has(kMarkPlaceholder)) return change(*item);
    const int64_t lease_end_ms = item->content.deadline_ms - kPlaceholderGraceMs;
    if (lease_end_ms > now_ms_) return leave(*item, lease_end_ms);
    return reader_ == Reader::kLoader ? take_over(*item) : create();
  }

  // Somebody else is loading it.
  Decision leave(const StoredItem& placeholder, int64_t lease_end_ms) {
    is_found_ = true;
    wins_ = false;
    value_.clear();
    reading_ = {.item = engine_.view(placeholder, now_ms_),
                .previous_ttl_ms = engine_.ttl_until(lease_end_ms, now_ms_)};
    deadline_ms_ = expiry_ms_ = lease_end_ms;
    return {};
  }

  // The other load is late, but its value may still come: the placeholder stays the one that it looks for.
  Decision take_over(const StoredItem& placeholder) {
    (void)leave(placeholder, now_ms_);
    wins_ = true;
    deadline_ms_ = engine_.deadline_of(options_.vivify->expiry, now_ms_) + kPlaceholderGraceMs;
    expiry_ms_ = deadline_ms_;
    return postponement(placeholder, deadline_ms_, engine_.latest_ms(now_ms_), now_ms_);
  }

  Decision create() {
    is_found_ = options_.vivify.has_value();
    if (!is_found_) return {};
    const SetOptions& created = *options_.vivify;
    const int64_t first_deadline_ms = engine_.deadline_of(created.expiry, now_ms_);
    deadline_ms_ = engine_.deadline_of(options_.expiry.value_or(created.expiry), now_ms_);
    if (reader_ == Reader::kLoader) deadline_ms_ += kPlaceholderGraceMs;
    expiry_ms_ = deadline_ms_;
    value_.clear();
    reading_ = {.item = {.key = {}, .value = {}, .flags = created.flags, .is_key_binary = created.is_key_binary},
                .is_created = true,
                .previous_ttl_ms = engine_.ttl_until(first_deadline_ms, now_ms_)};
    wins_ = true;
    const auto marks = static_cast<Marks>(kMarkWon | binary_key_mark(created.is_key_binary) |
                                          (reader_ == Reader::kLoader ? kMarkPlaceholder : 0));
    Content content{.value = {}, .flags = created.flags, .deadline_ms = deadline_ms_, .marks = marks};
    if (tags_) tags_->put_into(content);
    Decision decision = replacement(content, now_ms_);
    decision.cas = created.cas;
    return decision;
  }

  Decision change(const StoredItem& item) {
    is_found_ = true;
    const ItemView shown = engine_.view(item, now_ms_);
    reading_ = {.item = shown, .previous_ttl_ms = shown.ttl_ms};
    value_.assign(shown.value);
    wins_ = can_win(shown, options_);
    Decision decision = marking(item, marks());
    deadline_ms_ = decision.content.deadline_ms;
    expiry_ms_ = decision.content.expiry_ms();
    if (options_.expiry) {
      decision =
          postponement(item, engine_.deadline_of(*options_.expiry, now_ms_), engine_.latest_ms(now_ms_), now_ms_);
      deadline_ms_ = decision.content.deadline_ms;
      decision.content.marks |= marks();
    } else if (marks() == 0) {
      decision = {};
    } else if (is_use_) {
      decision.content.note_use(engine_.latest_ms(now_ms_));
      deadline_ms_ = decision.content.deadline_ms;
    }
    if (decision.kind != Decision::Kind::kLeave) expiry_ms_ = decision.content.expiry_ms();
    decision.is_used = is_use_;
    return decision;
  }

  [[nodiscard]] Marks marks() const {
    const bool is_tracked = options_.wants_history && options_.marks_used;
    return static_cast<Marks>((wins_ ? kMarkWon : 0) | (is_tracked ? kMarkTracked : 0));
  }

  // There was room for the change: it has happened.
  void settle() {
    reading_.has_won = wins_;
    reading_.item.is_won = reading_.item.is_won || wins_;
    reading_.item.ttl_ms = engine_.ttl_until(deadline_ms_, now_ms_);
    reading_.item.expiry_ttl_ms = engine_.ttl_until(expiry_ms_, now_ms_);
  }

  Engine& engine_;
  const ReadOptions& options_;
  const Reader reader_;
  const bool is_use_;
  const int64_t now_ms_;
  Reading reading_;
  std::optional<TagStamp> tags_;  // of what is created
  std::string value_;
  bool is_found_ = false;
  bool wins_ = false;
  int64_t deadline_ms_ = kNeverMs;
  int64_t expiry_ms_ = kNeverMs;
};

LARDER_INLINE void read_item(Engine& engine, const KeyRef& key, const ReadOptions& options, Reader reader,
                             FunctionRef<void(const Reading* reading)> show) {
  bool is_use = options.marks_used;
  if (!options.expiry && !options.wants_history) {
    // Most reads change nothing: they need no lock.
    bool is_over = false;
    const Engine::Lookup lookup = options.marks_used ? Engine::Lookup::kUse : Engine::Lookup::kPeek;
    const bool is_found = engine.read(key, lookup, [&](const ItemView& item) {
      if (can_win(item, options)) return;
      is_over = true;
      const Reading reading{.item = item, .previous_ttl_ms = item.ttl_ms};
      show(&reading);
    });
    if (is_over) return;
    if (!is_found && !options.vivify) return show(nullptr);
    // To be won; it has been marked as used just now.
    if (is_found) is_use = false;
  }
  ChangingRead changing(engine, options, reader, is_use, engine.now_ms());
  show(changing.run(key));
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_READ_INL_H_
