// stats items, stats slabs, stats sizes: a walk over the cache, and what it counted.
#ifndef NETD_CLASS_REPORT_H_
#define NETD_CLASS_REPORT_H_

#include <memory>

#include "netd/report.h"
#include "netd/server_state.h"

namespace netd {

enum class ClassReportKind : uint8_t { kItems, kSlabs, kSizes };

// Looks at all items, or, where there are very many, at a sample, in small parts.
[[nodiscard]] std::unique_ptr<Report> make_class_report(ServerState& server, ClassReportKind kind);

}  // namespace netd

#endif  // NETD_CLASS_REPORT_H_
