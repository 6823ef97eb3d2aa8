// What netd asks of the operating system for its process before it serves.
#ifndef NETD_PROCESS_H_
#define NETD_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "netd/options.h"

namespace netd {

struct User {
  uid_t uid;
  gid_t gid;
};

// The user to run as: nothing unless this process is root's. Root must name one (exit code 64) that there is (67).
// Throws StartError.
[[nodiscard]] std::optional<User> find_user(const Options& options);

// Gives up root's rights for good; for root itself does nothing. Throws StartError.
void become(const std::optional<User>& user, const Options& options);

// Lets the process open `options.connections_max` connections and what it needs besides, raises the core size with
// -r, and locks memory with -k (a warning if that fails). Throws StartError (71).
void set_limits(const Options& options);

}  // namespace netd

#endif  // NETD_PROCESS_H_
