#include "netd/top/sample.h"

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "netd/reply_words.h"
#include "netd/start_error.h"
#include "netd/tokens.h"

namespace netd::top {
namespace {

std::string answer_to(TextClient& client, const std::string& question, TextClient::Deadline deadline) {
  return client.ask(question, {"END", "ERROR", "CLIENT_ERROR", "SERVER_ERROR", "RESET"}, deadline);
}

}  // namespace

Sample take_sample(TextClient& client, TextClient::Deadline deadline) {
  Sample sample;
  const std::string general = answer_to(client, "stats\r\n", deadline);
  if (general == kErrorUnauthenticated) throw StartError("the server wants a user and a password first");
  sample.when = std::chrono::steady_clock::now();
  sample.general = StatLines(general);
  sample.classes.add(answer_to(client, "stats items\r\n", deadline));
  sample.classes.add(answer_to(client, "stats slabs\r\n", deadline));
  for_each_stat(answer_to(client, "stats hotkeys 10\r\n", deadline),
                [&](std::string_view name, std::string_view value) {
                  double share = 0;
                  const std::string_view first = take_token(value);
                  if (absl::SimpleAtod(absl::string_view(first.data(), first.size()), &share)) {
                    sample.hot_keys.push_back({.name = std::string(name), .share = share});
                  }
                });
  return sample;
}

}  // namespace netd::top
