// The words for the cache's results.
#ifndef NETD_RESULT_WORDS_H_
#define NETD_RESULT_WORDS_H_

#include <string_view>

#include "larder/result.h"

namespace netd {

// The line for the result of a classic command; there is none for kDone and kCreated.
[[nodiscard]] std::string_view reply_to(larder::StoreResult result);
[[nodiscard]] std::string_view reply_to(larder::CounterStatus status);

// The code that a meta command's reply starts with; empty if the line of `reply_to`, an error, is the whole reply.
[[nodiscard]] std::string_view code_of(larder::StoreResult result);
[[nodiscard]] std::string_view code_of(larder::EraseResult result);
[[nodiscard]] std::string_view code_of(larder::CounterStatus status);

}  // namespace netd

#endif  // NETD_RESULT_WORDS_H_
