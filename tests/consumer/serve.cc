// A program outside larder's tree that serves its cache: includes public headers only, and links larder-netd.
#include <cstdlib>
#include <iostream>
#include <memory>

#include "absl/status/statusor.h"
#include "larder/server.h"

int main() {
  absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create();
  if (!cache.ok()) return EXIT_FAILURE;
  absl::StatusOr<std::unique_ptr<larder::Server>> server = larder::Server::start(**cache);
  if (!server.ok()) {
    std::cerr << server.status() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << "served at " << (*server)->address() << '\n';
  return EXIT_SUCCESS;
}
