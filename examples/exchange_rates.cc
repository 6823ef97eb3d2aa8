// Values that say themselves how long they are good, and that a thread of the program refreshes before they expire:
// who asks never waits but for the first time.
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <queue>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "larder/cache.h"
#include "larder/loading_cache.h"

namespace {

using namespace std::chrono_literals;

// Runs tasks one after the other. What a program has of this kind, a pool or an event loop, does as well.
class Worker {
 public:
  void run(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push(std::move(task));
    is_there_work_.notify_one();
  }

 private:
  void work(const std::stop_token& stop) {
    for (std::unique_lock lock(mutex_); is_there_work_.wait(lock, stop, [&] { return !tasks_.empty(); });) {
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any is_there_work_;
  std::queue<std::function<void()>> tasks_;
  std::jthread thread_{[this](const std::stop_token& stop) { work(stop); }};
};

// Stands for a request to a bank, whose answer comes with an expiry.
larder::Loaded<double> ask_bank(std::string_view) {
  std::this_thread::sleep_for(20ms);
  return {.value = 1.08, .ttl = 500ms};
}

}  // namespace

int main() {
  const std::unique_ptr<larder::Cache> cache = *larder::Cache::create();
  larder::LoadingCache<std::string, double> rates(*cache, "rate:");
  Worker worker;
  rates.refresh_in_background([&worker](std::function<void()> task) { worker.run(std::move(task)); });

  int waited = 0;
  while (rates.load_stats().refreshes < 3) {
    larder::LoadSource source;
    if (!rates.get_or_load("EUR/USD", {.refresh_ahead = 400ms}, ask_bank, &source).ok()) return EXIT_FAILURE;
    if (source == larder::LoadSource::kLoaded) ++waited;
    std::this_thread::sleep_for(1ms);
  }
  std::cout << rates.load_stats().loads << " loads, of which somebody waited for " << waited << '\n';
  return waited >= 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
