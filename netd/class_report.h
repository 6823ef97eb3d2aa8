// stats items, stats slabs, stats sizes: a walk over the cache that counts.
#ifndef NETD_CLASS_REPORT_H_
#define NETD_CLASS_REPORT_H_

#include <memory>

#include "netd/report.h"
#include "netd/server_state.h"

namespace netd {

enum class ClassReportKind : uint8_t { kItems, kSlabs, kSizes };

// Examines all items or, where there are very many, a sample, in small steps.
[[nodiscard]] std::unique_ptr<Report> make_class_report(ServerState& server, ClassReportKind kind);

}  // namespace netd

#endif  // NETD_CLASS_REPORT_H_
