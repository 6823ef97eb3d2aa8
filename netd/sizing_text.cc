#include "netd/sizing_text.h"

#include <fmt/format.h>

#include <string>

#include "larder/sizing.h"
#include "netd/reply.h"
#include "netd/reply_words.h"

namespace netd {

void append_sizing(const ServerState& server, Buffer& out) {
  const larder::MissRatioCurve curve = larder::miss_ratio_curve(server.cache());
  append_stat("gets", fmt::format("{:.0f}", curve.gets), out);
  append_stat("seconds", fmt::format("{:.0f}", curve.seconds), out);
  append_stat("turnovers", fmt::format("{:.2f}", curve.turnovers), out);
  append_stat("sampled_share", fmt::format("{:.3g}", curve.sampled_share), out);
  append_stat("miss_ratio", fmt::format("{:.4f}", curve.miss_ratio), out);
  append_stat("first_ratio", fmt::format("{:.4f}", curve.first_ratio), out);
  for (const larder::MissRatio& size : curve.sizes) {
    const std::string value =
        size.has_value() ? fmt::format("{:.4f} {:.4f} {}", size.miss_ratio, size.error, to_string(size.state))
                         : fmt::format("- - {}", to_string(size.state));
    append_stat(fmt::format("limit_{}", size.memory_limit_bytes), value, out);
  }
  append_stat("summary", to_string(curve), out);
  out.append(kReplyEnd);
}

}  // namespace netd
