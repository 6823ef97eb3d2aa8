// The keys of requests that have arrived but whose turn has not come, so that the cache can have the memory fetched
// that all of them need while the first is being answered.
#ifndef NETD_PREVIEW_H_
#define NETD_PREVIEW_H_

#include <cstddef>
#include <span>
#include <string_view>

namespace netd {

struct Preview {
  size_t keys = 0;   // found, and written to the front of `keys`
  size_t bytes = 0;  // of the input, that the requests they were found in take
};

// Goes through the requests at the front of `input` as far as they are complete, look like ordinary ones and there
// is room in `keys`, and takes the first key of each. A guess: what a request means is the parser's to say.
[[nodiscard]] Preview preview(std::string_view input, std::span<std::string_view> keys);

}  // namespace netd

#endif  // NETD_PREVIEW_H_
