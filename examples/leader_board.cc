// Keeps the three best scores in one item that many threads bring up to date: read, change, cas, and once more if
// another thread was faster.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "larder/cache.h"

namespace {

constexpr std::string_view kBoard = "board";
constexpr size_t kPlaces = 3;

using Score = std::pair<int, std::string>;  // points, player

std::vector<Score> parse(const std::string& text) {
  std::vector<Score> scores;
  std::istringstream in(text);
  for (Score score; in >> score.first >> score.second;) scores.push_back(score);
  return scores;
}

std::string to_text(const std::vector<Score>& scores) {
  std::string text;
  for (const auto& [points, player] : scores) text += std::to_string(points) + ' ' + player + '\n';
  return text;
}

// False when there is no room for a board.
bool enter(larder::Cache& cache, const Score& score) {
  while (true) {
    const std::optional<larder::Item> board = cache.get(kBoard);
    std::vector<Score> scores = parse(board ? board->value : "");
    scores.push_back(score);
    std::sort(scores.begin(), scores.end(), std::greater<>());
    if (scores.size() > kPlaces) scores.resize(kPlaces);
    const larder::StoreResult result =
        board ? cache.cas(kBoard, to_text(scores), board->cas) : cache.add(kBoard, to_text(scores));
    if (result == larder::StoreResult::kStored) return true;
    // Another thread has changed the board, or made it, or it has been evicted meanwhile: once more. But:
    if (result == larder::StoreResult::kNoMemory || result == larder::StoreResult::kTooLarge) return false;
  }
}

}  // namespace

int main() {
  absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create();
  if (!cache.ok()) {
    std::cerr << cache.status() << '\n';
    return EXIT_FAILURE;
  }
  std::vector<std::thread> threads;
  for (const char* const player : {"Ada", "Grace", "Edsger", "Barbara"}) {
    threads.emplace_back([&cache, player] {
      for (int round = 0; round < 100; ++round) enter(**cache, {round * 7 % 100, player});
    });
  }
  for (std::thread& thread : threads) thread.join();

  const std::string board = (*cache)->get(kBoard).value_or(larder::Item{}).value;
  std::cout << board;
  return board == "99 Grace\n99 Edsger\n99 Barbara\n" ? EXIT_SUCCESS : EXIT_FAILURE;
}
