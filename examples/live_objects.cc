// Keeps objects that are expensive to make as they are: here, compiled regular expressions. Nothing is encoded; who
// asks gets a pointer that shares the object, also when it has been evicted meanwhile.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <regex>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "larder/loading_object_cache.h"

namespace {

using Patterns = larder::LoadingObjectCache<std::string, std::regex>;

absl::StatusOr<std::regex> compile(std::string_view pattern) {
  try {
    return std::regex(pattern.begin(), pattern.end(), std::regex::optimize);
  } catch (const std::regex_error& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

}  // namespace

int main() {
  // As many as have 64 KiB of text together.
  Patterns patterns(64 << 10, {
                                  .weigher = [](const std::string& text, const std::regex&) { return text.size(); },
                                  .idle = std::chrono::hours(1),
                              });

  int matches = 0;
  for (const char* const line : {"GET /index.html", "PUT /index.html", "GET /favicon.ico"}) {
    const absl::StatusOr<Patterns::Pointer> pattern = patterns.get_or_load("GET /.*\\.html", {}, compile);
    if (pattern.ok() && std::regex_match(line, **pattern)) ++matches;
  }
  const absl::StatusOr<Patterns::Pointer> wrong = patterns.get_or_load("(", {}, compile);
  const larder::LoadStats loads = patterns.load_stats();

  std::cout << matches << " line matches; " << loads.loads << " patterns were compiled, of which "
            << loads.load_failures << " is none: " << wrong.status().message() << '\n';
  return matches == 1 && loads.loads == 2 && loads.load_failures == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
