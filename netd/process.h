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

// Takes the descriptors 0 to 2 if they are closed: what is opened next must not be where the log is written to.
void occupy_standard_descriptors();

// Has threads that are started from now on reserve little address space for their stacks and, where it is limited,
// for what they allocate: a quarter of the limit at most.
void reserve_little();

// The user to run as, of `user` or `user:group`, both by name or by number: nothing unless this process is root's.
// Root must name one (exit code 64) that there is (67); a number needs no entry in /etc/passwd, and is its own
// group then. Throws StartError.
[[nodiscard]] std::optional<User> find_user(const Options& options);

// Gives up root's rights for good; for root itself does nothing. Throws StartError.
void become(const std::optional<User>& user, const Options& options);

// Lets the process open `options.connections_max` connections and what it needs besides, or lowers that and
// `options.threads` to what the system allows, with a warning. Raises the core size with -r, and with -k the limit
// of locked memory. Throws StartError (71) if there can be no core files.
void set_limits(Options& options);

// Lowers `options.threads` to the number that can be started, with a warning. Throws StartError (71) if it is 0.
void fit_threads(Options& options);

// Locks memory with -k, or warns.
void lock_memory(const Options& options);

}  // namespace netd

#endif  // NETD_PROCESS_H_
