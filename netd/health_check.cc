#include "netd/health_check.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

#include "netd/reply_words.h"
#include "netd/server_place.h"
#include "netd/start_error.h"

namespace netd {
namespace {

constexpr std::chrono::seconds kWait(1);

// The first line that the server sends, or what came in its way.
std::string ask(const ServerPlace& place, TextClient::Deadline deadline) {
  try {
    const std::string answer = TextClient(place, deadline).ask("version\r\n", {""}, deadline);
    return answer.substr(0, answer.find('\r'));
  } catch (const std::system_error& error) {
    return error.code().message();
  }
}

}  // namespace

void check_health(const Options& options) {
  constexpr std::string_view kVersion = "VERSION ";
  const auto deadline = std::chrono::steady_clock::now() + kWait;
  std::string faults;
  for (const ServerPlace& place : places_of(options)) {
    const std::string answer = ask(place, deadline);
    // Who has to say a password first is answered, too.
    if (answer.starts_with(kVersion) || answer + "\r\n" == kErrorUnauthenticated) return;
    faults += fmt::format("{}{}: {}", faults.empty() ? "" : "; ", place.name, answer);
  }
  throw StartError("no answer from " + faults);
}

}  // namespace netd
