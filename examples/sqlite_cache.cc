// A read-through cache in front of SQLite: rows are asked for where they are needed, and queried when they are not
// there. Whoever writes a row erases it from the cache afterwards, and the next reader queries it again.
#include <sqlite3.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "larder/loading_cache.h"

namespace {

class Books {
 public:
  Books() {
    sqlite3_open(":memory:", &database_);
    run("CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT); INSERT INTO book VALUES (1, 'Emma'), (2, "
        "'Ulises')");
  }
  ~Books() { sqlite3_close(database_); }
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;

  void run(const std::string& sql) { sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr); }

  // NotFound: there is no such row. Other errors are the database's.
  absl::StatusOr<std::string> title(int id) {
    ++query_count;
    sqlite3_stmt* query = nullptr;
    sqlite3_prepare_v2(database_, "SELECT title FROM book WHERE id = ?", -1, &query, nullptr);
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> finalizer(query, sqlite3_finalize);
    sqlite3_bind_int(query, 1, id);
    switch (sqlite3_step(query)) {
      case SQLITE_ROW:
        return reinterpret_cast<const char*>(sqlite3_column_text(query, 0));
      case SQLITE_DONE:
        return absl::NotFoundError("no book " + std::to_string(id));
      default:
        return absl::UnavailableError(sqlite3_errmsg(database_));
    }
  }

  int query_count = 0;

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace

int main() {
  using namespace std::chrono_literals;
  absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create();
  if (!cache.ok()) return EXIT_FAILURE;
  Books books;
  larder::LoadingCache<int, std::string> titles(**cache, "book:");

  // Titles are good for an hour more or less, and for a day if the database is down; in the last minute of the hour
  // one caller asks ahead. That there is no such book is remembered for 10 seconds.
  const larder::LoadOptions options{
      .ttl = 1h, .ttl_jitter = 0.1, .refresh_ahead = 1min, .stale_grace = 24h, .absent_ttl = 10s};
  const auto title = [&](int id) {
    return titles.get_or_load(id, options, [&](int missing) { return books.title(missing); }).value_or("(none)");
  };

  for (int round = 0; round < 3; ++round) {
    for (int id = 1; id <= 3; ++id) std::cout << title(id) << (id < 3 ? ", " : "\n");
  }
  if (books.query_count != 3) return EXIT_FAILURE;

  books.run("UPDATE book SET title = 'Ulysses' WHERE id = 2");
  titles.erase(2);
  std::cout << title(2) << '\n';
  return title(2) == "Ulysses" && books.query_count == 4 ? EXIT_SUCCESS : EXIT_FAILURE;
}
