// What is at which path of the HTTP port.
#ifndef NETD_HTTP_PAGES_H_
#define NETD_HTTP_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "netd/http/history.h"
#include "netd/http/message.h"
#include "netd/http/monotonic_counters.h"
#include "netd/http/own_stats.h"
#include "netd/http/snapshot.h"
#include "netd/server_state.h"

namespace netd::http {

// For one thread.
class Pages {
 public:
  explicit Pages(ServerState& server);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  // Whether a request can be answered. If not, statistics by size class are needed first, which a survey gives.
  [[nodiscard]] bool is_ready_for(const Request& request) const;
  void start_survey();
  // True when it is over.
  [[nodiscard]] bool step_survey();
  // Whether the statistics by size class are new enough, or have to do because others keep the survey waiting.
  [[nodiscard]] bool is_fresh() const;

  // Answers a request that guard.h does not refuse. Throws std::bad_alloc.
  [[nodiscard]] Reply answer(const Request& request);

  // The memory of replies that are no longer given, but are still being taken.
  [[nodiscard]] size_t held_bytes() const { return reply_bytes_ - made_bytes_; }

  // To be called once a second, for the history.
  void note_second() { history_.add(read_now(server_)); }

  // Whether a request needs no credentials: a probe has none.
  [[nodiscard]] static bool is_public(const Request& request) { return request.path() == "/healthz"; }

 private:
  // However many ask, statistics are taken no more often than once in this time; those by size class, which look at
  // many items, than once in the second one.
  static constexpr int64_t kFreshMs = 500;
  static constexpr int64_t kClassesFreshMs = 5'000;
  // Who waits for a survey waits no longer.
  static constexpr int64_t kSurveyMsMax = 1'000;

  // What is made of one snapshot, as soon as somebody asks for it.
  struct Made {
    int64_t when_ms;
    Snapshot snapshot;
    std::optional<Reply> metrics;
    std::optional<Reply> open_metrics;
    std::optional<Reply> stats;
  };

  [[nodiscard]] int64_t now_ms() const { return server_.clock().monotonic_ms(); }
  [[nodiscard]] Made& made();
  // A reply whose memory is charged as long as it lives.
  [[nodiscard]] Reply charged_reply(std::string type, std::string text);
  [[nodiscard]] Reply metrics(bool is_open);
  [[nodiscard]] Reply stats();
  [[nodiscard]] Reply history(std::string_view query) const;
  [[nodiscard]] Reply explain(std::string_view query) const;

  ServerState& server_;
  const double started_s_;  // of the server, UNIX time: the difference of two clocks is not the same each time
  History history_;
  size_t reply_bytes_ = 0;
  size_t made_bytes_ = 0;  // those of made_
  std::optional<Made> made_;
  MonotonicCounters counters_;
  std::optional<ClassSurvey> survey_;
  int64_t survey_started_ms_ = 0;
  ClassStats classes_;
  std::optional<int64_t> classes_made_ms_;
};

}  // namespace netd::http

#endif  // NETD_HTTP_PAGES_H_
