// A stream of bytes given to a parser whole, byte by byte and in random pieces: the requests are the same.
#ifndef TESTS_FUZZ_CUTS_H_
#define TESTS_FUZZ_CUTS_H_

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "larder/internal/base/arena.h"
#include "netd/commands.h"
#include "netd/parser.h"
#include "netd/request.h"
#include "require.h"

namespace netd::fuzz {

// Everything that a request tells.
inline std::string describe(const Request& request) {
  const auto number_or_none = [](const auto& number) { return number ? fmt::to_string(*number) : "none"; };
  return fmt::format("{} '{}' {}{}{} '{}' refusal '{}' key '{}' '{}' value '{}' words '{}' keys '{}' flags '{}'",
                     static_cast<int>(request.command->action), request.command->word, request.noreply,
                     request.too_large, request.no_memory, request.line, request.refusal, request.key,
                     request.binary_key.value_or("none"), request.value, request.words, request.keys,
                     request.flags) +
         fmt::format(" {}{}{}{}{}{} mode {} F{} T{} N{} R{} C{} E{} D{} J{}", request.quiet, request.with_value,
                     request.marks_used, request.with_history, request.invalidates, request.empties,
                     static_cast<int>(request.mode), request.client_flags, number_or_none(request.exptime),
                     number_or_none(request.vivify), request.recache_s, number_or_none(request.compare),
                     request.cas, request.number, request.initial);
}

// Looks for a request as Parser::next does.
using Next = std::function<Parser::Result(std::string_view input, Request& request)>;

class Stream {
 public:
  // Makes a parser for a new connection.
  using MakeNext = std::function<Next()>;

  Stream(std::string_view bytes, MakeNext make_next)
      : memory_(new char[bytes.size()]), bytes_(memory_.get(), bytes.size()), make_next_(std::move(make_next)) {
    std::copy(bytes.begin(), bytes.end(), memory_.get());
  }

  // The requests, when never more than `piece_bytes()` bytes arrive at once.
  [[nodiscard]] std::vector<std::string> requests_in_pieces(const std::function<size_t()>& piece_bytes) const {
    const Next next = make_next_();
    std::vector<std::string> requests;
    size_t begin = 0;
    size_t arrived = 0;
    size_t bytes_wanted = 0;
    // AddressSanitizer reports a look at what has not arrived yet.
    larder::internal::poison(bytes_.data(), bytes_.size());
    const auto arrive = [&](size_t end) {
      larder::internal::unpoison(bytes_.data(), end);
      arrived = end;
    };
    while (true) {
      const size_t bytes = arrived - begin;
      Request request;
      const Parser::Result result = next(bytes_.substr(begin, bytes), request);
      if (result.complete) {
        require(result.bytes_consumed > 0, "a request is made of bytes");
        require(result.bytes_consumed <= bytes, "a request is made of what has arrived");
        requests.push_back(describe(request));
        if (request.command->action == Action::kClose) return requests;
        begin += result.bytes_consumed + result.bytes_to_skip;
        if (begin > bytes_.size()) return requests;
        arrive(std::max(arrived, begin));
        bytes_wanted = 0;
        continue;
      }
      require(result.bytes_wanted == 0 || result.bytes_wanted > bytes, "what is wanted is more than there is");
      require(bytes_wanted == 0 || bytes < bytes_wanted, "with what was wanted a request is complete");
      bytes_wanted = result.bytes_wanted;
      if (arrived == bytes_.size()) return requests;
      arrive(std::min(bytes_.size(), arrived + piece_bytes()));
    }
  }

  void require_that_cuts_do_not_matter() const {
    const std::vector<std::string> requests = requests_in_pieces([this] { return bytes_.size(); });
    require_same(requests, requests_in_pieces([] { return 1; }));
    std::minstd_rand random(static_cast<uint32_t>(bytes_.size()));
    require_same(requests, requests_in_pieces([&] { return 1 + random() % 64; }));
  }

 private:
  // But for the end of a line that was too long when only a part of it was there.
  static void require_same(const std::vector<std::string>& whole, const std::vector<std::string>& cut) {
    for (size_t i = 0; i < std::max(whole.size(), cut.size()); ++i) {
      if (i < cut.size() && is_close(cut[i])) return;
      if (i < whole.size() && i < cut.size() && whole[i] == cut[i]) continue;
      fail(fmt::format("cuts do not matter to request {}:\n{}\n{}", i, i < whole.size() ? whole[i] : "none",
                       i < cut.size() ? cut[i] : "none"));
    }
  }
  static bool is_close(const std::string& request) {
    return request.starts_with(fmt::to_string(static_cast<int>(Action::kClose)) + " ");
  }

  const std::unique_ptr<char[]> memory_;
  const std::string_view bytes_;
  const MakeNext make_next_;
};

}  // namespace netd::fuzz

#endif  // TESTS_FUZZ_CUTS_H_
