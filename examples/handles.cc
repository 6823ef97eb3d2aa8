// Sends a value from where it lies in the cache, however slow its reader is and whatever happens to the item
// meanwhile.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "larder/cache.h"

namespace {

// A response on its way: what is left to be sent, and the handle that keeps it where it is.
class Response {
 public:
  explicit Response(larder::Handle page) : page_(std::move(page)), rest_(page_->value) {}

  // As much as the reader takes now. When all is sent, the cache may have the memory back.
  void send_some(size_t bytes_max, std::string& socket) {
    socket += rest_.substr(0, bytes_max);
    rest_.remove_prefix(std::min(bytes_max, rest_.size()));
    if (rest_.empty()) page_.release();
  }
  [[nodiscard]] bool is_done() const { return rest_.empty(); }

 private:
  larder::Handle page_;
  std::string_view rest_;
};

}  // namespace

int main() {
  larder::Options options;
  options.memory_limit_bytes = size_t{64} << 20;
  options.pinned_bytes_max = size_t{8} << 20;  // beyond that, handles are copies
  auto cache = larder::Cache::create(options);
  if (!cache.ok()) return EXIT_FAILURE;
  const std::string old_page(500'000, 'o');
  (*cache)->set("page:/", old_page);

  larder::Handle page = (*cache)->hold("page:/");
  if (!page) return EXIT_FAILURE;
  Response response(std::move(page));
  std::string socket;
  response.send_some(100'000, socket);

  // Neither of these has to wait for the response, nor the response for them.
  (*cache)->set("page:/", std::string(500'000, 'n'));
  (*cache)->flush_all();
  const larder::Stats meanwhile = (*cache)->stats();
  std::cout << meanwhile.handles << " handle holds " << meanwhile.pinned_bytes << " bytes\n";

  while (!response.is_done()) response.send_some(100'000, socket);
  const bool is_given_back = (*cache)->stats().pinned_bytes == 0;
  std::cout << "sent what was there when it began: " << (socket == old_page ? "yes" : "no") << '\n';
  return socket == old_page && meanwhile.handles == 1 && is_given_back ? EXIT_SUCCESS : EXIT_FAILURE;
}
