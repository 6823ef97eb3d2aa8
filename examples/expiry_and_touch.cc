// Sessions that end after 30 minutes without a visit, and a voucher that ends at a moment of the calendar.
//
// The clock is a larder::ManualClock, so that the program need not wait. Leave Options::clock out for real time.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "larder/cache.h"

int main() {
  using std::chrono::milliseconds;
  using std::chrono::minutes;

  larder::ManualClock clock;
  larder::Options options;
  options.clock = &clock;
  absl::StatusOr<std::unique_ptr<larder::Cache>> created = larder::Cache::create(options);
  if (!created.ok()) {
    std::cerr << created.status() << '\n';
    return EXIT_FAILURE;
  }
  larder::Cache& cache = **created;

  bool as_expected = true;
  const auto expect = [&](std::string_view key, bool there) {
    const bool found = cache.contains(key);
    std::cout << clock.monotonic_ms() / 60'000 << " min: " << key << (found ? " is there\n" : " is gone\n");
    as_expected = as_expected && found == there;
  };

  // A duration, a time point, or nothing at all for an item that only eviction removes.
  const std::chrono::system_clock::time_point now{milliseconds(clock.unix_ms())};
  if (cache.set("session:ann", "cart=3", {.expiry = minutes(30)}) != larder::StoreResult::kStored ||
      cache.set("session:bob", "cart=1", {.expiry = minutes(30)}) != larder::StoreResult::kStored ||
      cache.set("voucher", "-20%", {.expiry = now + minutes(45)}) != larder::StoreResult::kStored) {
    return EXIT_FAILURE;
  }

  clock.advance_ms(milliseconds(minutes(20)).count());
  // Ann comes back: her session is read and starts its 30 minutes anew, in one step.
  if (!cache.get_and_touch("session:ann", minutes(30))) return EXIT_FAILURE;

  clock.advance_ms(milliseconds(minutes(20)).count());
  expect("session:ann", true);
  expect("session:bob", false);
  expect("voucher", true);

  // touch is for when the value is not wanted. A key that is gone stays gone.
  if (!cache.touch("session:ann", larder::Expiry::never()) || cache.touch("session:bob", minutes(30))) {
    return EXIT_FAILURE;
  }
  clock.advance_ms(milliseconds(minutes(20)).count());
  expect("session:ann", true);
  expect("voucher", false);
  return as_expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
