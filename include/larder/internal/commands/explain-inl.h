#ifndef LARDER_INTERNAL_COMMANDS_EXPLAIN_INL_H_
#define LARDER_INTERNAL_COMMANDS_EXPLAIN_INL_H_

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/cache.h"
#include "larder/explain.h"
#include "larder/internal/engine/engine.h"

namespace larder::internal {

// To the second as long as people count in seconds.
inline std::string age_text(uint64_t seconds) {
  if (seconds < 600) return absl::StrCat(seconds, " s");
  if (seconds < 2 * 3600) return absl::StrCat(seconds / 60, " min");
  if (seconds < 2 * 86400) return absl::StrCat(seconds / 3600, " h");
  return absl::StrCat(seconds / 86400, " days");
}

inline const char* reads_text(const Explanation& told) {
  switch (told.frequency) {
    case 0:
      return told.chain == ItemChain::kMain ? "not read lately" : "not read yet";
    case 1:
      return "read once";
    case 2:
      return "read twice";
    default:
      return "read three times or more";
  }
}

inline std::string place_text(const Explanation& told) {
  return absl::StrCat(told.chain == ItemChain::kMain ? "main" : "small", " chain",
                      told.is_large ? " (a large item)" : "");
}

inline std::string presence_text(const Explanation& told) {
  std::string text = "Here";
  if (told.stored_s) absl::StrAppend(&text, ", stored ", age_text(*told.stored_s), " ago");
  absl::StrAppend(&text, ", ", reads_text(told));
  if (told.read_s) absl::StrAppend(&text, ", the last time ", age_text(*told.read_s), " ago");
  absl::StrAppend(&text, ", in the ", place_text(told));
  if (told.ttl_ms == kNeverExpires) return absl::StrCat(text, "; it never expires.");
  return absl::StrCat(text, "; it expires in ", age_text((static_cast<uint64_t>(told.ttl_ms) + 999) / 1000), ".");
}

// Of one that is gone and about which more is known than that.
inline std::string removal_text(const Explanation& told) {
  std::string text = told.state == KeyState::kEvicted   ? "Evicted"
                     : told.state == KeyState::kExpired ? "Expired"
                     : told.state == KeyState::kErased  ? "Erased"
                                                        : "Flushed";
  const bool was_met_later = told.state == KeyState::kExpired && told.collision_chance > 0;
  if (told.gone_s) {
    absl::StrAppend(&text, was_met_later ? ", and removed " : " ", age_text(*told.gone_s), " ago");
  } else if (told.flushed_s) {
    absl::StrAppend(&text, " ", age_text(*told.flushed_s), " ago or before");
  }
  absl::StrAppend(&text, " from the ", place_text(told));
  if (told.lived_s) absl::StrAppend(&text, ", ", age_text(*told.lived_s), " after it was stored");
  if (told.was_read) {
    const bool is_in_main = told.chain == ItemChain::kMain;
    absl::StrAppend(&text, *told.was_read ? ", having been read"
                           : is_in_main   ? ", without having been read lately"
                                          : ", without having been read");
  }
  return absl::StrCat(text, ".");
}

inline std::string followed_text(const Explanation& told) {
  if (told.share_followed == 0) return "Removals are not logged: the memory limit is too low for that.";
  const auto keys = static_cast<uint64_t>(std::llround(1 / told.share_followed));
  const std::string share =
      keys == 1 ? "Removals of all keys are logged" : absl::StrCat("Removals of 1 key in ", keys, " are logged");
  if (!told.is_followed) return absl::StrCat(share, ", and this is not one of them.");
  return absl::StrCat(share, keys == 1 ? "" : ", and this is one of them",
                      ": it was neither evicted, nor erased, nor found expired in the last ",
                      age_text(told.reach_s), ".");
}

// Only said of keys whose removal would not be logged, or longer ago, or if a flush may have taken them.
inline std::string ghost_text(const Explanation& told) {
  if (told.is_followed) {
    // All but a flush is ruled out since then.
    const bool is_within_reach = told.flushed_s && *told.flushed_s <= told.reach_s;
    return is_within_reach ? "" : " It went before that, or was never stored.";
  }
  return absl::StrCat(
      " The ghost does not know it: it was not evicted lately from the small chain, or was stored since. It was "
      "erased, expired, ",
      told.flushed_s ? "was flushed, " : "", "was evicted from the main chain or long ago, or was never stored.");
}

inline std::string flush_text(const Explanation& told) {
  if (!told.flushed_s || told.state == KeyState::kFlushed) return "";
  if (told.gone_s && *told.gone_s <= *told.flushed_s) return "";
  return absl::StrCat(
      " Its namespace was flushed ", age_text(*told.flushed_s), " ago, which took ",
      told.state == KeyState::kUnknown ? "it if it was there." : "a later value, if there was one.");
}

inline std::string collision_text(const Explanation& told) {
  if (told.collision_chance == 0) return "";
  return absl::StrCat(" With a chance of 1 in ", std::llround(1 / told.collision_chance),
                      " at most, this is about another key.");
}

}  // namespace larder::internal

namespace larder {

LARDER_INLINE Explanation Cache::explain(std::string_view key) const {
  return internal::is_key(key) ? engine_->explain(engine_->ref(key), engine_->now_ms()) : Explanation{};
}

LARDER_INLINE std::string_view to_string(KeyState state) {
  switch (state) {
    case KeyState::kPresent:
      return "present";
    case KeyState::kEvicted:
      return "evicted";
    case KeyState::kExpired:
      return "expired";
    case KeyState::kErased:
      return "erased";
    case KeyState::kFlushed:
      return "flushed";
    case KeyState::kUnknown:
      return "unknown";
  }
  return "";
}

LARDER_INLINE std::string_view to_string(ItemChain chain) { return chain == ItemChain::kSmall ? "small" : "main"; }

LARDER_INLINE std::string to_string(const Explanation& explanation) {
  if (explanation.state == KeyState::kPresent) return internal::presence_text(explanation);
  if (explanation.state == KeyState::kUnknown) {
    return absl::StrCat("Not here. ", internal::followed_text(explanation), internal::ghost_text(explanation),
                        internal::flush_text(explanation));
  }
  if (explanation.state == KeyState::kEvicted && !explanation.gone_s) {
    return absl::StrCat(
        "Evicted from the small chain, read once at most, since when items of no more than the "
        "memory limit have been evicted from there. ",
        internal::followed_text(explanation), internal::collision_text(explanation));
  }
  return absl::StrCat(internal::removal_text(explanation), internal::flush_text(explanation),
                      internal::collision_text(explanation));
}

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_EXPLAIN_INL_H_
