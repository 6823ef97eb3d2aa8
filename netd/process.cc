#include "netd/process.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "netd/log.h"
#include "netd/start_error.h"

namespace netd {
namespace {

// For listeners, the threads' own descriptors, files and standard streams.
constexpr rlim_t kOtherDescriptors = 64;
constexpr rlim_t kDescriptorsPerThread = 4;

void raise_descriptor_limit(const Options& options) {
  const rlim_t needed = options.connections_max + kOtherDescriptors + kDescriptorsPerThread * options.threads;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed) return;
  limit.rlim_cur = needed;
  limit.rlim_max = std::max(limit.rlim_max, needed);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw StartError(fmt::format("{}: '{}' connections need {} open files, which the system refuses: {}",
                                 flag_name(options, 'c'), options.connections_max, needed, std::strerror(errno)),
                     kExitOsError);
  }
}

void raise_core_limit(const Options& options) {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &limit) == 0) return;
  if (getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_cur > 0 && setrlimit(RLIMIT_CORE, &limit) == 0) return;
  }
  throw StartError(fmt::format("{}: the system allows no core files", flag_name(options, 'r')), kExitOsError);
}

}  // namespace

std::optional<User> find_user(const Options& options) {
  if (getuid() != 0 && geteuid() != 0) return std::nullopt;
  const std::string flag = flag_name(options, 'u');
  if (options.user.empty()) {
    throw StartError(fmt::format("{}: root must name the user to run as ('-u root' if it must be)", flag),
                     kExitUsage);
  }
  const passwd* const entry = getpwnam(options.user.c_str());
  if (entry == nullptr) throw StartError(fmt::format("{}: there is no user '{}'", flag, options.user), kExitNoUser);
  return User{entry->pw_uid, entry->pw_gid};
}

void become(const std::optional<User>& user, const Options& options) {
  if (!user || user->uid == 0) return;
  if (setgroups(0, nullptr) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0) {
    throw StartError(
        fmt::format("{}: cannot become user '{}': {}", flag_name(options, 'u'), options.user, std::strerror(errno)),
        kExitOsError);
  }
}

void set_limits(const Options& options) {
  raise_descriptor_limit(options);
  if (options.coredumps) raise_core_limit(options);
  if (options.lock_memory && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    log_line(
        fmt::format("netd: warning: {}: cannot lock memory: {}", flag_name(options, 'k'), std::strerror(errno)));
  }
  if (options.large_pages) {
    log_line(fmt::format("netd: warning: {}: large pages are not used", flag_name(options, 'L')));
  }
}

}  // namespace netd
