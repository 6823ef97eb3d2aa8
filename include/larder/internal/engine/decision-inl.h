#ifndef LARDER_INTERNAL_ENGINE_DECISION_INL_H_
#define LARDER_INTERNAL_ENGINE_DECISION_INL_H_

#include <charconv>
#include <system_error>

#include "larder/api.h"
#include "larder/internal/engine/decision.h"

namespace larder::internal {

inline uint8_t marks_of(const ItemView& item) {
  return static_cast<uint8_t>((item.is_stale ? kMarkStale : 0) | (item.is_won ? kMarkWon : 0) |
                              binary_key_mark(item.is_key_binary) | grace_mark(item) |
                              (item.is_placeholder ? kMarkPlaceholder : 0) | (item.is_absence ? kMarkAbsent : 0));
}

LARDER_INLINE Decision replacement(const Content& content, int64_t now_ms, uint64_t cas) {
  if (content.deadline_ms <= now_ms) return {.kind = Decision::Kind::kRemove};
  return {.kind = Decision::Kind::kStore, .content = content, .cas = cas};
}

LARDER_INLINE Content content_of(const StoredItem& item) {
  return {.value = item.value, .flags = item.flags, .deadline_ms = item.deadline_ms, .marks = marks_of(item)};
}

LARDER_INLINE Decision postponement(const StoredItem& item, int64_t deadline_ms, int64_t now_ms) {
  Content content = content_of(item);
  content.deadline_ms = deadline_ms;
  content.marks &= static_cast<uint8_t>(~kMarkGrace);
  Decision decision = replacement(content, now_ms);
  decision.keeps_cas = true;
  decision.is_used = true;
  return decision;
}

LARDER_INLINE Decision marking(const StoredItem& item, uint8_t marks) {
  Decision decision{.kind = Decision::Kind::kStore, .content = content_of(item), .keeps_cas = true};
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
