// The commands that netd knows. A command is a row of one table, and all that is particular to it is said there:
// how its line is read, what is done for it, what that changes and costs, and what counts it. Pure.
#ifndef NETD_COMMANDS_H_
#define NETD_COMMANDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "netd/counters.h"
#include "netd/request.h"
#include "netd/tokens.h"

namespace netd {

// How the line of a command is read.
struct Form {
  // Fills in what stands behind the command word, or refuses the request.
  using Parse = void (*)(const Tokens& tokens, size_t key_bytes_max, Request& request);
  // The same from Request::line, which may have more tokens than can be counted.
  using ParseUncut = void (*)(size_t key_bytes_max, Request& request);

  Parse parse = nullptr;
  uint8_t tokens_min = 1;    // the command word included
  uint8_t length_token = 0;  // which token, the word being 0, is the length of the value that follows; 0: none does
  uint8_t first_flag = Tokens::kCountMax;  // the token from which on all are flags of a meta command
  ParseUncut parse_uncut = nullptr;        // given: is called instead of all this
};

// What is done for a request.
enum class Action : uint8_t {
  kRefuse,  // nothing: Request::refusal is the answer
  kClose,   // Request::refusal is the answer, if there is one, and the connection is closed
  kAuthenticate,
  kRetrieve,  // shows items to get, gets, gat, gats
  kRead,      // shows an item to mg
  kStore,
  kErase,
  kCount,
  kTouch,
  kInspect,
  kDoNothing,
  kTellVersion,
  kSetVerbosity,
  kFlushAll,
  kShutDown,
  kStats,
  kCacheMemlimit,
  kSlabs,
  kLru,
  kLruCrawler,
  kWatch,
  kDebugtime,
};

// What a request does to others.
struct Effect {
  using Condition = bool (*)(const Request& request);

  static constexpr bool never(const Request&) { return false; }
  static constexpr bool always(const Request&) { return true; }

  // It changes the cache, its counters or the server: a read-only server refuses it.
  Condition changes = never;
  // Its answer takes more work than a client that may not even exist should be able to ask for, or never ends: it
  // is refused over UDP.
  Condition needs_connection = never;
  // It may take more work than a few lookups: its client's next request waits for another turn.
  bool ends_turn = false;
};

struct Command {
  // Whether its reply is made along flags: mg, ms, md, ma.
  [[nodiscard]] constexpr bool has_flags() const { return form.first_flag < Tokens::kCountMax; }

  std::string_view word = {};
  Form form = {};
  Action action = Action::kRefuse;
  // What sets it apart from others of its action, as the meta flag says it: of stores S E A P R, of counts I D, of
  // retrievals c if they show CAS numbers. The M of ms and ma goes before it.
  char mode = 0;
  Effect effect = {};
  std::optional<Counter> counter = {};  // goes up when it is executed, which is done in one go
};

// The rows of requests that no word asks for; see also kRefusal.
extern const Command kHangUp;
extern const Command kAuthentication;  // what a client sends before all else with -Y

[[nodiscard]] std::span<const Command> all_commands();

// Null: there is no such command.
[[nodiscard]] const Command* find_command(std::string_view word);

}  // namespace netd

#endif  // NETD_COMMANDS_H_
