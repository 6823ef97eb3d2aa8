#ifndef LARDER_INTERNAL_COMMANDS_COUNT_INL_H_
#define LARDER_INTERNAL_COMMANDS_COUNT_INL_H_

#include <charconv>
#include <optional>

#include "larder/api.h"
#include "larder/internal/commands/count.h"
#include "larder/internal/engine/decision.h"

namespace larder::internal {

class Counting {
 public:
  Counting(Engine& engine, uint64_t delta, const CounterOptions& options, Arithmetic arithmetic)
      : engine_(engine), now_ms_(engine.now_ms()), delta_(delta), options_(options), arithmetic_(arithmetic) {}

  CounterResult run(const KeyRef& key) {
    const std::optional<uint64_t> cas = engine_.mutate(
        key, now_ms_, [&](const StoredItem* item) { return item != nullptr ? change(*item) : create(); });
    if (!cas) return {.status = CounterStatus::kNoMemory};
    result_.cas = *cas;
    if (result_.status == CounterStatus::kCreated) engine_.counters(key).add(Counter::kItemsStored);
    return result_;
  }

 private:
  Decision create() {
    if (!options_.initial) return refusal(CounterStatus::kNotFound);
    const int64_t first_deadline_ms = engine_.deadline_of(options_.expiry, now_ms_);
    const int64_t deadline_ms = engine_.deadline_of(options_.new_expiry.value_or(options_.expiry), now_ms_);
    result_ = {.status = CounterStatus::kCreated,
               .value = *options_.initial,
               .ttl_ms = engine_.ttl_until(deadline_ms, now_ms_),
               .previous_ttl_ms = engine_.ttl_until(first_deadline_ms, now_ms_)};
    return decision({.value = text_of(result_.value),
                     .deadline_ms = deadline_ms,
                     .marks = binary_key_mark(options_.is_key_binary)});
  }

  Decision change(const StoredItem& item) {
    if (options_.expected && !has_cas(item, *options_.expected)) return refusal(CounterStatus::kExists);
    const std::optional<uint64_t> number = parse_number(item.content.value);
    if (!number) return refusal(CounterStatus::kNotANumber);
    Content content = item.content;
    if (options_.new_expiry) {
      content.end_at(engine_.deadline_of(*options_.new_expiry, now_ms_), engine_.latest_ms(now_ms_));
      content.marks &= static_cast<Marks>(~kMarkGrace);
    } else {
      content.note_use(engine_.latest_ms(now_ms_));
    }
    result_ = {.status = CounterStatus::kDone,
               .value = arithmetic_(*number, delta_),
               .ttl_ms = engine_.ttl_until(content.deadline_ms, now_ms_),
               .previous_ttl_ms = engine_.ttl_until(item.content.deadline_ms, now_ms_)};
    content.value = text_of(result_.value);
    return decision(content);
  }

  Decision refusal(CounterStatus status) {
    result_ = {.status = status};
    return {};
  }

  Decision decision(const Content& content) {
    Decision decision = replacement(content, now_ms_);
    decision.cas = options_.cas;
    return decision;
  }

  std::string_view text_of(uint64_t number) {
    return {digits_, std::to_chars(digits_, digits_ + sizeof digits_, number).ptr};
  }

  Engine& engine_;
  const int64_t now_ms_;
  const uint64_t delta_;
  const CounterOptions& options_;
  const Arithmetic arithmetic_;
  CounterResult result_;
  char digits_[20];
};

LARDER_INLINE CounterResult count_item(Engine& engine, const KeyRef& key, uint64_t delta,
                                       const CounterOptions& options, Arithmetic arithmetic) {
  engine.note_request(key, RequestKind::kWrite);
  return Counting(engine, delta, options, arithmetic).run(key);
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_COUNT_INL_H_
