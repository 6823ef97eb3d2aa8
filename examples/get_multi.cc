// Reads many keys at once: cheaper per key than one get each, and each key may be there or not.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "larder/cache.h"

int main() {
  absl::StatusOr<std::unique_ptr<larder::Cache>> created = larder::Cache::create();
  if (!created.ok()) {
    std::cerr << created.status() << '\n';
    return EXIT_FAILURE;
  }
  larder::Cache& cache = **created;

  // 10,000 readings, of which every tenth has not arrived.
  constexpr size_t kKeys = 10'000;
  std::vector<std::string> names, readings;
  for (size_t i = 0; i < kKeys; ++i) {
    names.push_back("sensor:" + std::to_string(i));
    readings.push_back(std::to_string(i % 40) + " °C");
  }
  std::vector<larder::SetEntry> entries;
  for (size_t i = 0; i < kKeys; ++i) {
    if (i % 10 != 0) entries.push_back({.key = names[i], .value = readings[i]});
  }
  for (larder::StoreResult result : cache.set_multi(entries)) {
    if (result != larder::StoreResult::kStored) return EXIT_FAILURE;
  }

  // The visitor form copies nothing: it is called for each key that is found, with the key's place in the list.
  const std::vector<std::string_view> keys(names.begin(), names.end());
  size_t correct_count = 0;
  const size_t found_count = cache.get_multi(keys, [&](size_t index, const larder::ItemView& item) {
    if (item.key == names[index] && item.value == readings[index]) ++correct_count;
  });
  std::cout << found_count << " of " << keys.size() << " keys found\n";

  // The vector form gives copies that may be kept.
  const std::vector<std::string_view> few = {"sensor:6", "sensor:10", "sensor:7"};
  const std::vector<std::optional<larder::Item>> items = cache.get_multi(few);
  for (size_t i = 0; i < few.size(); ++i) {
    std::cout << few[i] << ": " << (items[i] ? items[i]->value : "no reading") << '\n';
  }

  const bool as_expected = found_count == entries.size() && correct_count == found_count &&  //
                           items[0] && items[0]->value == readings[6] && !items[1] &&        //
                           items[2] && items[2]->value == readings[7];
  return as_expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
