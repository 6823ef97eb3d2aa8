// What netd sets up for its process before it serves.
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

// Opens the descriptors 0 to 2 if they are closed: a file opened next must not get the descriptor that the log is
// written to.
void occupy_standard_descriptors();

// Makes threads that are started from now on reserve little address space for their stacks and, where it is
// limited, for their allocations: at most a quarter of the limit.
void reserve_little();

// The user to run as, from `user` or `user:group`, each a name or a number; nothing unless this process is root's.
// Root must give one (exit code 64) that exists (67); a number needs no entry in /etc/passwd, and is then its own
// group. Throws StartError.
[[nodiscard]] std::optional<User> find_user(const Options& options);

// Gives up root's rights for good; does nothing if the user is root. Throws StartError.
void become(const std::optional<User>& user, const Options& options);

// Lets the process open `options.connections_max` connections and its other files, or lowers that number and
// `options.threads` to what the system allows, with a warning. Raises the core size with -r, and the limit of
// locked memory with -k. Throws StartError (71) if core files are impossible.
void set_limits(Options& options);

// Lowers `options.threads` to the number that can be started, with a warning. Throws StartError (71) if that is 0.
void fit_threads(Options& options);

// Locks memory with -k, or warns.
void lock_memory(const Options& options);

}  // namespace netd

#endif  // NETD_PROCESS_H_
