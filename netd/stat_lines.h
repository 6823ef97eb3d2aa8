// Statistics as a server writes them, lines "STAT <name> <value>", as tables.
#ifndef NETD_STAT_LINES_H_
#define NETD_STAT_LINES_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netd {

// Calls `take` with each name and value of such a text; other lines are passed over.
void for_each_stat(std::string_view text,
                   const std::function<void(std::string_view name, std::string_view value)>& take);

// Names and values, in their order.
class StatLines {
 public:
  StatLines() = default;
  explicit StatLines(std::string_view text);

  void add(std::string_view name, std::string_view value) { lines_.emplace_back(name, value); }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const { return lines_; }
  // Empty if there is no such line.
  [[nodiscard]] std::string_view text(std::string_view name) const;
  // Nothing if there is no such line, or no number in it.
  [[nodiscard]] std::optional<double> number(std::string_view name) const;
  [[nodiscard]] double number_or_0(std::string_view name) const { return number(name).value_or(0); }

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

// What `stats items` and `stats slabs` say.
struct ClassStats {
  // Adds what one of them has said.
  void add(std::string_view text);

  StatLines totals;                   // of slabs
  std::map<int, StatLines> of_class;  // what both say of a class
};

}  // namespace netd

#endif  // NETD_STAT_LINES_H_
