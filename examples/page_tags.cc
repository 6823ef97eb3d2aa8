// Rendered pages, each made from several records of a database. When a record changes, all pages that show it go at
// once, without a list of them.
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "larder/cache.h"
#include "larder/loading_cache.h"
#include "larder/tags.h"

namespace {

using Names = std::map<std::string, std::string>;  // stands for the database

class Site {
 public:
  Site(larder::Cache& cache, Names& names) : pages_(cache, "page:"), cache_(cache), names_(names) {}

  // "ann+bob": shows both.
  std::string page(const std::string& author, const std::string& guest) {
    const larder::LoadOptions options{.tags = {"user:" + author, "user:" + guest}};
    return pages_
        .get_or_load(author + "+" + guest, options,
                     [&](std::string_view) { return names_[author] + " and " + names_[guest]; })
        .value_or("(no page)");
  }

  // First the database, then the cache: a page that is being rendered meanwhile is not kept.
  void rename(const std::string& user, const std::string& name) {
    names_[user] = name;
    larder::erase_tag(cache_, "user:" + user);
  }

  [[nodiscard]] uint64_t rendered() const { return pages_.load_stats().loads; }

 private:
  larder::LoadingCache<std::string, std::string> pages_;
  larder::Cache& cache_;
  Names& names_;
};

}  // namespace

int main() {
  const absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create();
  if (!cache.ok()) {
    std::cerr << cache.status() << '\n';
    return EXIT_FAILURE;
  }
  Names names = {{"ann", "Ann"}, {"bob", "Bob"}, {"cy", "Cy"}};
  Site site(**cache, names);

  site.page("ann", "bob");
  site.page("bob", "cy");
  site.page("ann", "cy");
  site.rename("bob", "Robert");
  const std::string page = site.page("ann", "bob");
  const std::string other = site.page("ann", "cy");
  std::cout << page << "; " << other << "; rendered " << site.rendered() << " times\n";
  return page == "Ann and Robert" && other == "Ann and Cy" && site.rendered() == 4 ? EXIT_SUCCESS : EXIT_FAILURE;
}
