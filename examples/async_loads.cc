// Loads without threads that wait: coroutines of Asio share what is loaded, each by its own event loop's rules.
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "larder/loading_object_cache.h"

namespace {

using namespace std::chrono_literals;
using Pages = larder::LoadingObjectCache<int, std::string>;
using Result = absl::StatusOr<Pages::Pointer>;

int fetches = 0;

// Stands for a request over the network.
asio::awaitable<void> fetch(int number, Pages::Completion completion) {
  ++fetches;
  asio::steady_timer timer(co_await asio::this_coro::executor, 20ms);
  co_await timer.async_wait(asio::use_awaitable);
  completion.finish("page " + std::to_string(number));
}

// The page, for a coroutine that goes on in its own event loop, whichever thread has finished the load.
asio::awaitable<Result> page(Pages& pages, int number) {
  const asio::any_io_executor loop = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(Result)>(
      [&pages, number, loop](auto handler) {
        const auto start = [loop](int wanted, Pages::Completion completion) {
          asio::co_spawn(loop, fetch(wanted, std::move(completion)), asio::detached);
        };
        auto done = [loop, handler = std::move(handler)](Result result) mutable {
          asio::post(loop, [handler = std::move(handler), result = std::move(result)]() mutable {
            std::move(handler)(std::move(result));
          });
        };
        (void)pages.get_or_load_async(number, {.ttl = 5min}, start, std::move(done));
      },
      asio::use_awaitable);
}

}  // namespace

int main() {
  asio::io_context loop;
  Pages pages(1'000);
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    const auto client = [&]() -> asio::awaitable<void> {
      const Result found = co_await page(pages, 7);
      if (found.ok() && **found == "page 7") ++answered;
    };
    asio::co_spawn(loop, client, asio::detached);
  }
  loop.run();
  std::cout << answered << " coroutines have the page, which was fetched " << fetches << " time\n";
  return answered == 100 && fetches == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
