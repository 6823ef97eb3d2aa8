#include "netd/auth_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "netd/secret.h"
#include "netd/start_error.h"

namespace netd {

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
      return fmt::format("'{}' has a line that is not user:password of up to {} bytes", path_, kLineBytesMax);
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
  unsigned accepted = 0;
  for (const User& user : users_) {
    accepted |= unsigned{is_same_secret(name, user.name)} & unsigned{is_same_secret(password, user.password)};
  }
  return accepted != 0;
}

}  // namespace netd
