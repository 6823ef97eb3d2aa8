#ifndef LARDER_INTERNAL_ENGINE_DECISION_INL_H_
#define LARDER_INTERNAL_ENGINE_DECISION_INL_H_

#include <charconv>
#include <system_error>

#include "larder/api.h"
#include "larder/internal/engine/decision.h"

namespace larder::internal {

LARDER_INLINE Decision removal_if_over(Decision decision, int64_t now_ms) {
  if (decision.content.deadline_ms <= now_ms) decision.kind = Decision::Kind::kRemove;
  return decision;
}

LARDER_INLINE Decision replacement(const Content& content, int64_t now_ms, uint64_t cas) {
  return removal_if_over({.kind = Decision::Kind::kReplace, .content = content, .cas = cas}, now_ms);
}

LARDER_INLINE Decision postponement(const StoredItem& item, int64_t end_ms, int64_t latest_ms, int64_t now_ms) {
  Decision decision = marking(item, 0);
  decision.content.end_at(end_ms, latest_ms);
  decision.content.marks &= static_cast<Marks>(~kMarkGrace);
  decision.is_used = true;
  return removal_if_over(decision, now_ms);
}

LARDER_INLINE Decision marking(const StoredItem& item, Marks marks) {
  Decision decision{.kind = Decision::Kind::kAmend, .content = item.content, .keeps_cas = true};
  decision.content.marks |= marks;
  return decision;
}

LARDER_INLINE std::optional<uint64_t> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_DECISION_INL_H_
