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
  static constexpr size_t kUsersMax = 8;                    // further lines are not read
  static constexpr size_t kLineBytesMax = kSecretBytesMax;  // a longer line makes the file a bad one

  // An empty path: no authentication. Throws StartError if the file cannot be read or is a bad one.
  // `flag` is what messages call -Y.
  explicit AuthFile(std::string path, const std::string& flag = "-Y");

  [[nodiscard]] bool is_required() const { return !path_.empty(); }

  // Reads the file again. A bad one leaves the users as they were; returns what is wrong with it, or nothing.
  [[nodiscard]] std::string reload();

  // `text` is "user password"; the password is all that follows the first space. Takes the same time whoever
  // it is, and however much of it is right.
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
