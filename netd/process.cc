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
    throw StartError(fmt::format("-c: '{}' connections need {} open files, which the system refuses: {}",
                                 options.connections_max, needed, std::strerror(errno)),
                     kExitOsError);
  }
}

void raise_core_limit() {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &limit) == 0) return;
  if (getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_cur > 0 && setrlimit(RLIMIT_CORE, &limit) == 0) return;
  }
  throw StartError("-r: the system allows no core files", kExitOsError);
}

}  // namespace

HeldSignals::HeldSignals() {
  sigset_t held;
  sigemptyset(&held);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&held, signal);
  sigprocmask(SIG_BLOCK, &held, &before_);
}

HeldSignals::~HeldSignals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

std::optional<User> find_user(const std::string& name) {
  if (getuid() != 0 && geteuid() != 0) return std::nullopt;
  if (name.empty()) throw StartError("-u: root must name the user to run as ('-u root' if it must be)", kExitUsage);
  const passwd* const entry = getpwnam(name.c_str());
  if (entry == nullptr) throw StartError(fmt::format("-u: there is no user '{}'", name), kExitNoUser);
  return User{entry->pw_uid, entry->pw_gid};
}

void become(const std::optional<User>& user) {
  if (!user || user->uid == 0) return;
  if (setgroups(0, nullptr) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0) {
    throw StartError(fmt::format("-u: cannot become user {}: {}", user->uid, std::strerror(errno)), kExitOsError);
  }
}

void set_limits(const Options& options) {
  raise_descriptor_limit(options);
  if (options.coredumps) raise_core_limit();
  if (options.lock_memory && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    log_line(fmt::format("netd: warning: -k: cannot lock memory: {}", std::strerror(errno)));
  }
  if (options.large_pages) log_line("netd: warning: -L: large pages are not available");
}

}  // namespace netd
