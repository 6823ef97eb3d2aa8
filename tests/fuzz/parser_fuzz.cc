// The parser of requests: what it makes of any bytes depends on nothing else, and every call takes it further.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "cuts.h"
#include "netd/commands.h"
#include "netd/parser.h"

namespace netd::fuzz {
namespace {

constexpr ParserLimits kLimits{.item_bytes_max = 512};

Next make_next() {
  const auto parser = std::make_shared<Parser>(kLimits);
  return [parser](std::string_view input, Request& request) {
    Parser giving_up = *parser;
    const Parser::Result result = parser->next(input, request);
    if (!result.complete && !input.empty()) {
      Request given_up;
      (void)giving_up.next(input, given_up);
      const Parser::Result rest = giving_up.give_up(input, given_up);
      require(rest.complete && rest.bytes_consumed > 0 && rest.bytes_consumed <= input.size(),
              "a request that is given up takes what has arrived of it along");
      require(given_up.command->action == Action::kClose || given_up.no_memory,
              "a request that is given up is not executed");
    }
    return result;
  };
}

}  // namespace
}  // namespace netd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  netd::fuzz::Stream(bytes, netd::fuzz::make_next).require_that_cuts_do_not_matter();
  return 0;
}
