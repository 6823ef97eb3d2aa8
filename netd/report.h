// A reply that is too long, or takes too long to find, to be made in one go: a dump, or a survey of the cache.
//
// Its connection asks for one part after the other, sends what there is in between, and lets the other clients of
// the worker have their turns, of which one report goes on in each round; so reports keep nobody waiting, however
// many are asked for, and a client that does not read its report keeps nothing but the report itself waiting.
#ifndef NETD_REPORT_H_
#define NETD_REPORT_H_

#include "netd/buffer.h"

namespace netd {

class Report {
 public:
  virtual ~Report() = default;

  // Appends the next part, of which there may be nothing yet, in about a millisecond at most. True when the reply
  // is complete. Called only while less than kReplyBytesMax (retrieval.h) is waiting to be sent; throws
  // std::bad_alloc.
  [[nodiscard]] virtual bool append_part(Buffer& out) = 0;

  // Its client has taken of what has been appended.
  virtual void note_taking() {}

  // Of a complete one: whether it lacks its end, so that its connection is to be closed.
  [[nodiscard]] virtual bool is_cut_short() const { return false; }
};

}  // namespace netd

#endif  // NETD_REPORT_H_
