// A reply that is too long, or takes too long, to be made at once: a dump, or a survey of the cache.
//
// Its connection asks for one part after the other, sends each, and lets the worker's other clients have their
// turns in between. In each round of turns one report advances, so reports delay nobody, however many are
// requested, and a client that does not read its report delays only that report.
#ifndef NETD_REPORT_H_
#define NETD_REPORT_H_

#include "netd/buffer.h"

namespace netd {

class Report {
 public:
  virtual ~Report() = default;

  // Appends the next part, which may be empty, in at most about a millisecond. True when the reply is complete.
  // Called only while less than kReplyBytesMax (retrieval.h) waits to be sent; throws std::bad_alloc.
  [[nodiscard]] virtual bool append_part(Buffer& out) = 0;

  // The client has taken some of what was appended.
  virtual void note_taking() {}

  // For a complete report: whether it was cut short, so that its connection must be closed.
  [[nodiscard]] virtual bool is_cut_short() const { return false; }
};

}  // namespace netd

#endif  // NETD_REPORT_H_
