#include "netd/base64.h"

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace netd {
namespace {

// Abseil reads these as padding or as nothing.
constexpr std::string_view kTolerated = ". \t\n\v\f\r";
constexpr size_t kLettersPerGroup = 4;

}  // namespace

std::string base64_encode(std::string_view bytes) {
  return absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
}

std::optional<std::string> base64_decode(std::string_view text) {
  const bool is_whole = !text.empty() && text.size() % kLettersPerGroup == 0;
  if (!is_whole || text.find_first_of(kTolerated) != std::string_view::npos) return std::nullopt;
  std::string bytes;
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace netd
