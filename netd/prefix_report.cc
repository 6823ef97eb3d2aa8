#include "netd/prefix_report.h"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <string>

#include "netd/prefix_stats.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

constexpr size_t kPrefixesPerPart = 256;

// First the workers' tables are added up, then the sum is told.
class PrefixReport : public Report {
 public:
  explicit PrefixReport(ServerState& server) : server_(server) {}

  bool append_part(Buffer& out) override {
    if (worker_ < server_.options().threads) {
      last_ = server_.prefix_stats(worker_).add_some_to(sum_, last_, kPrefixesPerPart);
      if (!last_) ++worker_;
      return false;
    }
    for (size_t i = 0; i < kPrefixesPerPart && !sum_.empty(); ++i) append_line(out);
    if (!sum_.empty()) return false;
    out.append(kReplyEnd);
    return true;
  }

 private:
  void append_line(Buffer& out) {
    const auto node = sum_.extract(sum_.begin());
    const PrefixCounts& counts = node.mapped();
    out.append(fmt::format("PREFIX {} get {} hit {} set {} del {}\r\n", node.key(), counts.gets, counts.hits,
                           counts.sets, counts.deletes));
  }

  ServerState& server_;
  size_t worker_ = 0;
  std::optional<std::string> last_;  // of the worker's prefixes, that is in the sum
  PrefixStats::Table sum_;
};

}  // namespace

std::unique_ptr<Report> make_prefix_report(ServerState& server) { return std::make_unique<PrefixReport>(server); }

}  // namespace netd
