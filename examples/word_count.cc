// Counts words with several threads: each word's count changes in one step, whatever the others do. Then drops the
// rare words.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "larder/typed_cache.h"

int main() {
  absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create();
  if (!cache.ok()) {
    std::cerr << cache.status() << '\n';
    return EXIT_FAILURE;
  }
  larder::TypedCache<std::string, int> counts(**cache, "word:");

  const auto count_words = [&counts](const std::string& text) {
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      // Called with a lock held: short, and without calls of the cache.
      counts.update(word, [](std::optional<int>& count) {
        count = count.value_or(0) + 1;
        return true;  // store it
      });
    }
  };
  std::vector<std::thread> threads;
  for (const char* const text : {"the cat and the dog", "the dog and the bird", "a bird sees the cat"}) {
    threads.emplace_back(count_words, text);
  }
  for (std::thread& thread : threads) thread.join();

  const size_t rare = (*cache)->erase_if([](const larder::ItemView& item) {
    return item.key.starts_with("word:") && larder::Codec<int>::decode(item.value).value_or(0) < 2;
  });
  std::cout << "the: " << counts.get("the").value_or(0) << ", rare words dropped: " << rare << '\n';
  return counts.get("the") == 5 && rare == 2 && !counts.get("sees") ? EXIT_SUCCESS : EXIT_FAILURE;
}
