#include "netd/top/sample.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "netd/numbers.h"
#include "netd/reply_words.h"
#include "netd/start_error.h"
#include "netd/tokens.h"

namespace netd::top {
namespace {

constexpr std::string_view kItems = "items:";

std::string answer_to(TextClient& client, const std::string& question, TextClient::Deadline deadline) {
  return client.ask(question, {"END", "ERROR", "CLIENT_ERROR", "SERVER_ERROR", "RESET"}, deadline);
}

template <class Take>
void for_each_stat(std::string_view answer, Take&& take) {
  for (absl::string_view line : absl::StrSplit(absl::string_view(answer.data(), answer.size()), "\r\n")) {
    std::string_view rest(line.data(), line.size());
    if (take_token(rest) != "STAT") continue;
    const std::string_view name = take_token(rest);
    take(name, rest.empty() ? rest : rest.substr(1));
  }
}

void add_classes(std::string_view answer, Sample& sample) {
  for_each_stat(answer, [&](std::string_view name, std::string_view value) {
    if (name.starts_with(kItems)) name.remove_prefix(kItems.size());
    const size_t colon = name.find(':');
    const auto item_class = parse_u32(name.substr(0, colon));
    if (colon == std::string_view::npos || !item_class) return;
    sample.classes[static_cast<int>(*item_class)].emplace(name.substr(colon + 1), value);
  });
}

}  // namespace

double number(const Table& table, std::string_view name) {
  const auto found = table.find(name);
  double value = 0;
  if (found == table.end() || !absl::SimpleAtod(found->second, &value)) return 0;
  return value;
}

Sample take_sample(TextClient& client, TextClient::Deadline deadline) {
  Sample sample;
  const std::string general = answer_to(client, "stats\r\n", deadline);
  if (general == kErrorUnauthenticated) throw StartError("the server wants a user and a password first");
  sample.when = std::chrono::steady_clock::now();
  for_each_stat(general,
                [&](std::string_view name, std::string_view value) { sample.general.emplace(name, value); });
  add_classes(answer_to(client, "stats items\r\n", deadline), sample);
  add_classes(answer_to(client, "stats slabs\r\n", deadline), sample);
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
