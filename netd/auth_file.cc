#include "netd/auth_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "netd/start_error.h"

namespace netd {
namespace {

// Looks at all of `given`, wherever the first difference is.
bool is_same(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    const char expected = secret.empty() ? '\0' : secret[i % secret.size()];
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(expected);
  }
  return difference == 0;
}

}  // namespace

AuthFile::AuthFile(std::string path, const std::string& flag) : path_(std::move(path)) {
  if (path_.empty()) return;
  if (const std::string error = reload(); !error.empty()) throw StartError(fmt::format("{}: {}", flag, error));
}

std::string AuthFile::reload() {
  std::ifstream file(path_);
  if (!file) return fmt::format("cannot read '{}': {}", path_, std::strerror(errno));
  std::vector<User> users;
  for (std::string line; users.size() < kUsersMax && std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const size_t colon = line.find(':');
    if (line.size() > kLineBytesMax || colon == std::string::npos) {
      return fmt::format("'{}' has a line that is not user:password of up to {} octets", path_, kLineBytesMax);
    }
    users.push_back({line.substr(0, colon), line.substr(colon + 1)});
  }
  if (users.empty()) return fmt::format("'{}' names no user", path_);
  const larder::internal::MutexLock lock(mutex_);
  users_ = std::move(users);
  return {};
}

bool AuthFile::accepts(std::string_view text) const {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view name = text.substr(0, space);
  const std::string_view password = text.substr(space + 1);
  const larder::internal::MutexLock lock(mutex_);
  bool accepted = false;
  for (const User& user : users_) {
    const bool named = is_same(name, user.name);
    const bool known = is_same(password, user.password);
    accepted = accepted || (named && known);
  }
  return accepted;
}

}  // namespace netd
