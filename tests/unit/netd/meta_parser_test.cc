#include "netd/meta_parser.h"

#include <doctest/doctest.h>

#include <string>

#include "netd/commands.h"
#include "netd/parser.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

// A value of so many bytes fits under a key of one byte.
constexpr size_t kValueBytesMax = 1000;

// What a line, and data if it wants any, is understood as. The request's views point into `input`.
class Parsed {
 public:
  explicit Parsed(const std::string& text) : input(text) {
    Parser parser({.item_bytes_max = item_bytes(1, kValueBytesMax, 0, true)});
    result = parser.next(input, request);
  }

  const std::string input;
  Request request;
  Parser::Result result;
};

std::string_view refusal_of(const std::string& line) {
  const Parsed parsed(line + "\r\n");
  CHECK(parsed.request.command == &kRefusal);
  return parsed.request.refusal;
}

TEST_CASE("without flags everything is as if there were none") {
  const Parsed parsed("mg key\r\n");
  CHECK(parsed.request.command->word == "mg");
  CHECK(parsed.request.key == "key");
  const Request& request = parsed.request;
  CHECK(request.flags.empty());
  CHECK_FALSE(request.binary_key);
  CHECK_FALSE(request.quiet);
  CHECK_FALSE(request.with_value);
  CHECK(request.marks_used);
  CHECK_FALSE(request.with_history);
  CHECK_FALSE(request.exptime);
  CHECK_FALSE(request.vivify);
  CHECK_FALSE(request.compare);
  CHECK(request.recache_s == 0);
  CHECK(request.number == 1);
}

TEST_CASE("every flag ends where it belongs") {
  const Parsed parsed("ms a 2 q v u h I x MA F5 T-6 N7 R8 C9 E10 D11 J12 Oabc k\r\nhi\r\n");
  const Request& request = parsed.request;
  CHECK(parsed.request.command->word == "ms");
  CHECK(parsed.request.value == "hi");
  CHECK(request.quiet);
  CHECK(request.with_value);
  CHECK_FALSE(request.marks_used);
  CHECK(request.with_history);
  CHECK(request.invalidates);
  CHECK(request.empties);
  CHECK(request.mode == 'A');
  CHECK(request.client_flags == 5);
  CHECK(request.exptime == -6);
  CHECK(request.vivify == 7);
  CHECK(request.recache_s == 8);
  CHECK(request.compare == 9u);
  CHECK(request.cas == 10);
  CHECK(request.number == 11);
  CHECK(request.initial == 12);
  CHECK(request.flags == "q v u h I x MA F5 T-6 N7 R8 C9 E10 D11 J12 Oabc k");
}

TEST_CASE("numbers are taken at both ends of their ranges, and not beyond") {
  CHECK(Parsed("mg a T2147483647 N-2147483648 F4294967295 C18446744073709551615\r\n").request.exptime ==
        2147483647);
  CHECK(Parsed("mg a T4294967295\r\n").request.exptime == -1);
  CHECK(refusal_of("mg a T4294967296") == kErrorBadToken);
  CHECK(refusal_of("mg a N-2147483649") == kErrorBadToken);
  CHECK(refusal_of("mg a C18446744073709551616") == kErrorBadToken);
  CHECK(refusal_of("mg a F4294967296") == kErrorBadFormat);
}

TEST_CASE("a binary key is decoded, and kept as it was sent, too") {
  const Parsed parsed("mg Zm9v b\r\n");
  CHECK(parsed.request.key == "Zm9v");
  CHECK(parsed.request.binary_key == "foo");
}

TEST_CASE("the longest key and the longest opaque are taken, a byte more is not") {
  CHECK(Parsed("mg " + std::string(250, 'k') + "\r\n").request.key.size() == 250);
  CHECK(refusal_of("mg " + std::string(251, 'k')) == kErrorBadFormat);
  CHECK(refusal_of("ma " + std::string(251, 'k')) == kErrorInvalidOrDuplicateFlag);
  CHECK(Parsed("mg a O" + std::string(31, 'o') + "\r\n").request.command->word == "mg");
  CHECK(refusal_of("mg a O" + std::string(32, 'o')) == kErrorOpaqueTooLong);
}

TEST_CASE("what is wrong with the line leaves ms without data, what is wrong with its flags does not") {
  for (const std::string line : {"ms a", "ms a x", "ms a -1", "ms a 2147483646", "ms a 99999999999", "ms a 2 !"}) {
    CHECK(Parsed(line + "\r\nhi\r\n").result.bytes_to_skip == 0);
  }
  for (const std::string line : {"ms a 2 Y", "ms a 2 v v", "ms a 2 Tx", "ms a 2 Mx", "ms Zm9 2 b"}) {
    const Parsed parsed(line + "\r\nhi\r\n");
    CHECK(parsed.request.command == &kRefusal);
    CHECK(parsed.result.bytes_to_skip == 4);
  }
}

TEST_CASE("a value over the limit is skipped, and the request says so") {
  const Parsed parsed("ms a 1001 q\r\n");
  CHECK(parsed.request.command->word == "ms");
  CHECK(parsed.request.too_large);
  CHECK(parsed.result.bytes_to_skip == 1003);
}

TEST_CASE("client flags count towards the limit, as those of set do") {
  CHECK_FALSE(Parsed("ms a 996 F5\r\n").request.too_large);
  CHECK(Parsed("ms a 997 F5\r\n").request.too_large);
  CHECK_FALSE(Parsed("ms a 1000 F0\r\n").request.too_large);
  CHECK(Parsed("set a 5 0 997\r\n").request.too_large);
}

TEST_CASE("me takes its key in base64 with b as its first flag, and minds no other flag") {
  CHECK(Parsed("me Zm9v b x\r\n").request.binary_key == "foo");
  CHECK(refusal_of("me Zm9 b") == kErrorBadKeyEncoding);
  std::string line = "me a";
  for (int i = 0; i < 30; ++i) line += " !";
  CHECK(Parsed(line + "\r\n").request.command->word == "me");
}

}  // namespace
}  // namespace netd
