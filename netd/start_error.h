// Why netd cannot start, and its exit code.
#ifndef NETD_START_ERROR_H_
#define NETD_START_ERROR_H_

#include <stdexcept>
#include <string>

namespace netd {

// Exit codes as in memcached (sysexits.h has the last three).
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 64;
inline constexpr int kExitNoUser = 67;
inline constexpr int kExitOsError = 71;

// Thrown only before the first client is served, and caught only where a server is started; destructors undo what
// was made until then (files, sockets).
class StartError : public std::runtime_error {
 public:
  explicit StartError(const std::string& message, int exit_code = kExitFailure)
      : std::runtime_error(message), exit_code_(exit_code) {}

  [[nodiscard]] int exit_code() const { return exit_code_; }

 private:
  const int exit_code_;
};

}  // namespace netd

#endif  // NETD_START_ERROR_H_
