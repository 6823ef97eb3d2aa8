// The commands that tune memcached's slabs, LRU and crawler. netd has none of these: it replies as memcached does
// when it obeys, or cannot parse them. Pure.
#ifndef NETD_TUNING_WORDS_H_
#define NETD_TUNING_WORDS_H_

#include <string_view>

#include "netd/tokens.h"

namespace netd {

// `words`: what follows `slabs`, `lru`, `lru_crawler`. Returns the reply, a line of reply_words.h.
[[nodiscard]] std::string_view answer_slabs(const Tokens& words);
[[nodiscard]] std::string_view answer_lru(const Tokens& words);
// For lru_crawler, everything but the dumps.
[[nodiscard]] std::string_view answer_lru_crawler(const Tokens& words);

// Whether `text` is `all`, `hash`, or a list "1,2,3" of class ids as memcached numbers them.
[[nodiscard]] bool is_class_list(std::string_view text);

}  // namespace netd

#endif  // NETD_TUNING_WORDS_H_
