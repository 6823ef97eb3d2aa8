// A program outside larder's tree: includes public headers only, and needs the library and Abseil to link.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "larder/cache.h"

int main() {
  absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create();
  if (!cache.ok()) {
    std::cerr << cache.status() << '\n';
    return EXIT_FAILURE;
  }
  const larder::StoreResult stored = (*cache)->set("key", "value");
  const std::optional<larder::Item> item = (*cache)->get("key");
  std::cout << "set: " << larder::to_string(stored) << ", get: " << (item ? item->value : "nothing") << '\n';
  return item && item->value == "value" ? EXIT_SUCCESS : EXIT_FAILURE;
}
