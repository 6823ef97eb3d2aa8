// The users of -Y: a file of lines `user:password`.
#ifndef NETD_AUTH_FILE_H_
#define NETD_AUTH_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/mutex.h"
#include "netd/secret.h"

namespace netd {

// Thread-safe.
class AuthFile {
 public:
  static constexpr size_t kUsersMax = 8;                    // further lines are ignored
  static constexpr size_t kLineBytesMax = kSecretBytesMax;  // a longer line is an error

  // An empty path: no authentication. Throws StartError if the file cannot be read or has an error. `flag` is the
  // name of -Y in messages.
  explicit AuthFile(std::string path, const std::string& flag = "-Y");

  [[nodiscard]] bool is_required() const { return !path_.empty(); }

  // Reads the file again. If it has an error the users stay as they were. Returns the error, or nothing.
  [[nodiscard]] std::string reload();

  // `text` is "user password"; the password is everything after the first space. Takes the same time for every
  // user, however much of it is right.
  [[nodiscard]] bool accepts(std::string_view text) const;

 private:
  struct User {
    std::string name;
    std::string password;
  };

  const std::string path_;
  mutable larder::internal::Mutex mutex_;
  std::vector<User> users_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace netd

#endif  // NETD_AUTH_FILE_H_
