#include "netd/connection_report.h"

#include <string>

#include "netd/reply_words.h"

namespace netd {
namespace {

constexpr size_t kEntriesPerPart = 16;

class ConnectionReport : public Report {
 public:
  explicit ConnectionReport(ServerState& server) : server_(server) {}

  bool append_part(Buffer& out) override {
    std::string text;
    last_fd_ =
        server_.connection_table().describe_after(last_fd_, kEntriesPerPart, server_.clock().monotonic_ms(), text);
    out.append(text);
    if (last_fd_ >= 0) return false;
    out.append(kReplyEnd);
    return true;
  }

 private:
  ServerState& server_;
  int last_fd_ = -1;
};

}  // namespace

std::unique_ptr<Report> make_connection_report(ServerState& server) {
  return std::make_unique<ConnectionReport>(server);
}

}  // namespace netd
