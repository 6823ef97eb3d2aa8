#include "netd/request_batch.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace netd {
namespace {

class Batches {
 public:
  // The keys of a batch filled with at most so many requests, and how many bytes they take.
  std::vector<std::string> fill(std::string_view input, size_t requests_max = RequestBatch::kRequestsMax) {
    first = batch.fill(input, requests_max, [this](std::string_view rest, Request& request) {
      ++requests_parsed;
      return parser.next(rest, request);
    });
    std::vector<std::string> keys;
    for (bytes = 0; !batch.empty();) {
      bytes += batch.advance().bytes_consumed;
      const Request& request = batch.current();
      keys.emplace_back(request.keys.empty() ? request.key : request.keys);
    }
    return keys;
  }

  RequestBatch batch;
  Parser parser{{}};
  Parser::Result first;
  size_t bytes = 0;
  size_t requests_parsed = 0;
};

using Keys = std::vector<std::string>;

TEST_CASE("requests of all kinds are taken in their order") {
  constexpr std::string_view kInput =
      "set a 0 0 7\r\nget x\r\n\r\nms b 7 F1\r\nget y\r\n\r\ncas c 0 0 1 9 noreply\r\n1\r\nmn\r\nget d e\r\nmg f "
      "v\n";
  Batches batches;
  CHECK(batches.fill(kInput) == Keys{"a", "b", "c", "", " d e", "f"});
  CHECK(batches.bytes == kInput.size());
  CHECK(batches.first.complete);
}

TEST_CASE("a batch ends before what is not complete, which is taken when it is") {
  Batches batches;
  CHECK(batches.fill("mg a\r\nset b 0 0 2\r\nxy\r") == Keys{"a"});
  CHECK(batches.bytes == 6);
  CHECK(batches.fill("set b 0 0 2\r\nxy\r\nmg") == Keys{"b"});
  CHECK(batches.fill("mg").empty());
  CHECK_FALSE(batches.first.complete);
  CHECK(batches.fill("mg c\r\n") == Keys{"c"});
}

TEST_CASE("of one that is not complete it is told how much is wanted") {
  Batches batches;
  CHECK(batches.fill("set b 0 0 2\r\nx").empty());
  CHECK(batches.first.bytes_wanted == 17);
}

TEST_CASE("what has not been taken can be parsed again") {
  Batches batches;
  constexpr std::string_view kInput = "mg a\r\nmg b\r\nset c 0 0 100\r\nx";
  const Parser::Result first = batches.batch.fill(
      kInput, 3, [&](std::string_view rest, Request& request) { return batches.parser.next(rest, request); });
  CHECK(first.complete);
  CHECK(batches.batch.advance().bytes_consumed == 6);
  CHECK(batches.batch.current().key == "a");
  CHECK_FALSE(batches.batch.empty());
  batches.batch.drop_rest();
  CHECK(batches.batch.empty());
  batches.parser.restart();
  CHECK(batches.fill(kInput.substr(6)) == Keys{"b"});
}

TEST_CASE("nothing is parsed behind bytes that are to be skipped") {
  Batches batches;
  CHECK(batches.fill("mg a\r\nset b 0 0 2000000\r\nmg c\r\n") == Keys{"a", "b"});
  CHECK(batches.requests_parsed == 2);
}

TEST_CASE("no more is parsed than is asked for, than there is room for, or than is soon answered") {
  std::string many;
  for (int i = 0; i < 20; ++i) many += "mg a\r\n";
  Batches batches;
  CHECK(batches.fill(many, 1).size() == 1);
  CHECK(batches.requests_parsed == 1);
  CHECK(batches.fill(many, 3).size() == 3);
  CHECK(batches.fill(many, 100).size() == RequestBatch::kRequestsMax);
  const std::string long_one = "set a 0 0 10000\r\n" + std::string(10000, 'x') + "\r\n";
  CHECK(batches.fill(long_one + long_one + long_one).size() == 2);
}

}  // namespace
}  // namespace netd
