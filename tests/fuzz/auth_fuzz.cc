// The file of -Y, and what a client may say before it has authenticated itself. The input is the file up to the
// first NUL, and behind that what the client sends.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cuts.h"
#include "netd/auth_file.h"
#include "netd/auth_parser.h"
#include "netd/commands.h"
#include "netd/start_error.h"
#include "require.h"

namespace netd::fuzz {
namespace {

// A file in memory.
class File {
 public:
  File() : fd_(memfd_create("users", 0)) { require(fd_ >= 0, "there is room for a file"); }

  [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", fd_); }
  void write(std::string_view text) const {
    const bool is_written =
        ftruncate(fd_, 0) == 0 && pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    require(is_written, "the file can be written");
  }

 private:
  const int fd_;
};

using Users = std::vector<std::pair<std::string, std::string>>;

// The users of a file, none if it is a bad one.
Users users_of(std::string_view text) {
  Users users;
  while (!text.empty() && users.size() < AuthFile::kUsersMax) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.size() > AuthFile::kLineBytesMax) return {};
    users.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  return users;
}

bool is_accepted(const Users& users, std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return false;
  return std::find(users.begin(), users.end(),
                   std::pair(std::string(text.substr(0, space)), std::string(text.substr(space + 1)))) !=
         users.end();
}

void require_agreement(const AuthFile& file, const Users& users, std::string_view text) {
  require(file.accepts(text) == is_accepted(users, text), "who is in the file is accepted, and nobody else");
}

void check_accepting(const AuthFile& file, const Users& users) {
  for (const auto& [name, password] : users) {
    const std::string text = name + " " + password;
    require_agreement(file, users, text);
    require_agreement(file, users, text + "x");
    require_agreement(file, users, text.substr(0, text.size() - 1));
    require_agreement(file, users, text + text);
  }
}

Next make_next() {
  return [at_start = std::make_shared<bool>(true)](std::string_view input, Request& request) {
    const Parser::Result result = parse_unauthenticated(input, *at_start, request);
    *at_start = *at_start && !result.complete;
    require(!result.complete || request.command == &kAuthentication || request.command == &kRefusal ||
                request.command->action == Action::kClose,
            "nothing is executed before authentication");
    return result;
  };
}

void run(std::string_view input) {
  static const File file;
  const size_t file_bytes = std::min(input.find('\0'), input.size());
  const std::string_view text = input.substr(0, file_bytes);
  const std::string_view sent = input.substr(std::min(file_bytes + 1, input.size()));

  file.write("somebody:secret\n");
  AuthFile auth_file(file.path());
  file.write(text);
  Users users = users_of(text);
  require(auth_file.reload().empty() == !users.empty(), "a file is taken if it is a good one");
  if (users.empty()) users = {{"somebody", "secret"}};  // who were there before
  check_accepting(auth_file, users);
  require_agreement(auth_file, users, "somebody secret");
  require_agreement(auth_file, users, sent);

  Stream(sent, make_next).require_that_cuts_do_not_matter();
}

}  // namespace
}  // namespace netd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netd::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
