// What `netd --top` shows, as lines of text.
#ifndef NETD_TOP_VIEW_H_
#define NETD_TOP_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "netd/top/sample.h"

namespace netd::top {

// By what classes are sorted.
enum class SortBy : uint8_t { kSize, kItems, kMemory, kHits, kStores, kEvictions, kCount };

struct Layout {
  std::string address = {};  // for the first line
  SortBy sort_by = SortBy::kSize;
  size_t columns = 80;
  size_t rows = 24;
};

// The whole screen: rates between two samples, and what there was at the second one. Lines have at most that many
// columns, and there are at most that many of them.
[[nodiscard]] std::vector<std::string> screen(const Sample& before, const Sample& now, const Layout& layout);

// One line of rates, for output that is no terminal, and the line of headings above it.
[[nodiscard]] std::string line(const Sample& before, const Sample& now);
[[nodiscard]] std::string line_headings();

// 1234 as "1234", 12345 as "12.3k".
[[nodiscard]] std::string short_number(double number);
// 1536 as "1.5K".
[[nodiscard]] std::string short_bytes(double bytes);

}  // namespace netd::top

#endif  // NETD_TOP_VIEW_H_
