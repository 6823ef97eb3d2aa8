// Serves the cache that a program uses, so that others can look into it while it works: look_in.py shows how.
//
// Prints where it is served, and goes on until its standard input ends. Linked with larder-netd.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "larder/server.h"

int main() {
  absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create();
  if (!cache.ok()) {
    std::cerr << cache.status() << '\n';
    return EXIT_FAILURE;
  }
  // Whoever looks in may not change anything: that is the default. A free port is; a program of your own names one.
  absl::StatusOr<std::unique_ptr<larder::Server>> server = larder::Server::start(**cache, {.port = 0});
  if (!server.ok()) {
    std::cerr << server.status() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << (*server)->address() << std::endl;

  // What the program is there for: each line that it is given is remembered, and the number of lines.
  int count = 0;
  for (std::string line; std::getline(std::cin, line);) {
    (*cache)->set("line:" + std::to_string(++count), line);
    (*cache)->set("count", std::to_string(count));
    std::cout << "remembered " << line << std::endl;
  }
  // The server stops before the cache goes, as it was made after it.
  return EXIT_SUCCESS;
}
