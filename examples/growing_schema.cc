// A struct gains members while a cache lives on, behind a server, say, or in a process that loads plug-ins: what
// the older program stored is still read. Both sides are in this program; only the structs differ.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "larder/cache.h"
#include "larder/typed_cache.h"

namespace before {

struct User {
  std::string name;
  std::vector<std::string> groups;
};

}  // namespace before

namespace after {

// New members come last, and say what they are for users that were stored without them.
struct User {
  std::string name;
  std::vector<std::string> groups;
  std::string language = "en";
  std::optional<uint64_t> manager;
};

}  // namespace after

int main() {
  const std::unique_ptr<larder::Cache> cache = *larder::Cache::create();
  larder::TypedCache<int, before::User> old_users(*cache, "user:");
  larder::TypedCache<int, after::User> users(*cache, "user:");

  old_users.set(1, {.name = "Ann", .groups = {"staff"}});
  const std::optional<after::User> ann = users.get(1);

  users.set(2, {.name = "Bob", .groups = {}, .language = "fr", .manager = 1});
  // What it does not know the older program cannot read. For it that is a miss, and it loads the user itself.
  const std::optional<before::User> bob = old_users.get(2);

  if (!ann || bob) return EXIT_FAILURE;
  std::cout << ann->name << " of " << ann->groups.front() << " speaks " << ann->language
            << "; the older program missed " << old_users.decode_failures() << " user\n";
  return ann->name == "Ann" && ann->language == "en" && !ann->manager ? EXIT_SUCCESS : EXIT_FAILURE;
}
