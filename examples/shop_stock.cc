// An optimistic counter: two buyers race for 900 items in stock, and none is sold twice.
//
// Each buyer reads the stock together with its CAS number and writes back one less, on condition that the
// number is still the same. Whoever comes second is told kExists, reads again and tries again; no lock is held
// between reading and writing. (For a plain count, Cache::decr does the same in one step.)
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <latch>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "larder/cache.h"

namespace {

constexpr int kStock = 900;

struct Buyer {
  std::vector<int> bought;  // the numbers of the items: the stock as it was just before each purchase
  int retry_count = 0;      // purchases the other buyer came in between of
};

// Buys one item at a time until the shop is sold out.
void buy_all(larder::Cache& cache, Buyer& buyer) {
  while (std::optional<larder::Item> stock = cache.get("stock")) {
    const int left = std::stoi(stock->value);
    if (left == 0) return;
    std::this_thread::yield();  // paying takes a moment, and the other buyer may come in between
    if (cache.cas("stock", std::to_string(left - 1), stock->cas) == larder::StoreResult::kStored) {
      buyer.bought.push_back(left);
    } else {
      ++buyer.retry_count;
    }
  }
}

}  // namespace

int main() {
  absl::StatusOr<std::unique_ptr<larder::Cache>> created = larder::Cache::create();
  if (!created.ok()) {
    std::cerr << created.status() << '\n';
    return EXIT_FAILURE;
  }
  larder::Cache& cache = **created;
  if (cache.set("stock", std::to_string(kStock)) != larder::StoreResult::kStored) return EXIT_FAILURE;

  Buyer ann, bob;
  std::latch doors(2);  // both are there when the shop opens
  std::thread ann_thread([&] {
    doors.arrive_and_wait();
    buy_all(cache, ann);
  });
  std::thread bob_thread([&] {
    doors.arrive_and_wait();
    buy_all(cache, bob);
  });
  ann_thread.join();
  bob_thread.join();

  std::cout << "ann bought " << ann.bought.size() << " (tried again " << ann.retry_count << " times), bob bought "
            << bob.bought.size() << " (tried again " << bob.retry_count << " times)\n";

  // Sold: each of 1..kStock, once.
  std::vector<int> sold = ann.bought;
  sold.insert(sold.end(), bob.bought.begin(), bob.bought.end());
  std::sort(sold.begin(), sold.end());
  std::vector<int> stock(kStock);
  std::iota(stock.begin(), stock.end(), 1);
  return sold == stock ? EXIT_SUCCESS : EXIT_FAILURE;
}
