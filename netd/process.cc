#include "netd/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <malloc.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <future>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "netd/http/port.h"
#include "netd/log.h"
#include "netd/start_error.h"
#include "netd/unique_fd.h"

namespace netd {
namespace {

// Standard streams, what the accepting thread waits with, the pipe of signals, and 8 for what the process was
// started with or opens for a moment.
constexpr rlim_t kOtherDescriptors = 16;
constexpr rlim_t kDescriptorsPerThread = 2;  // EventLoop's
// Asked for besides: the process may have been started with more.
constexpr rlim_t kSpareDescriptors = 64;

constexpr size_t kStackBytes = size_t{1} << 20;
// Of address space, whatever is used of it.
constexpr rlim_t kArenaBytes = rlim_t{64} << 20;

// An address may stand for one of IPv4 and one of IPv6.
rlim_t listeners_max(const Options& options) {
  const rlim_t addresses = 2 * std::max<rlim_t>(options.listen_addresses.size(), 1);
  return (serves_tcp(options) ? addresses : 0) + (options.udp_port != 0 ? addresses : 0) +
         (options.unix_socket.empty() ? 0 : 1);
}

// What the HTTP port's thread waits with, its listeners and its clients, one that has to go included.
rlim_t http_descriptors(const Options& options) {
  if (options.http_port == 0) return 0;
  return kDescriptorsPerThread + 2 * std::max<rlim_t>(options.http_addresses.size(), 1) + http::Port::kClientsMax +
         1;
}

// Raises a limit to `wanted`, or as far as it can be; returns what it is then.
rlim_t raise_limit(int resource, rlim_t wanted) {
  rlimit limit{};
  getrlimit(resource, &limit);
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  const rlimit raised{wanted, std::max(limit.rlim_max, wanted)};
  if (setrlimit(resource, &raised) == 0) return wanted;
  limit.rlim_cur = std::min(limit.rlim_max, wanted);
  setrlimit(resource, &limit);
  getrlimit(resource, &limit);
  return limit.rlim_cur;
}

void fit_descriptors(Options& options) {
  const rlim_t others = kOtherDescriptors + listeners_max(options) + http_descriptors(options);
  const rlim_t wanted = options.connections_max + others + kDescriptorsPerThread * options.threads;
  const rlim_t allowed = raise_limit(RLIMIT_NOFILE, wanted + kSpareDescriptors);
  if (allowed >= wanted) return;
  // Where there are few, threads have a quarter of them at most.
  const rlim_t threads = std::clamp<rlim_t>(allowed / 4 / kDescriptorsPerThread, 1, options.threads);
  const rlim_t own = others + kDescriptorsPerThread * threads;
  const rlim_t connections = std::clamp<rlim_t>(allowed - std::min(allowed, own), 1, options.connections_max);
  if (threads < options.threads) {
    warn(fmt::format("{}: {} of {} threads, as the system allows {} open files", flag_name(options, 't'), threads,
                     options.threads, allowed));
  }
  if (connections < options.connections_max) {
    warn(fmt::format("{}: {} of {} connections, as the system allows {} open files, and netd needs {} itself",
                     flag_name(options, 'c'), connections, options.connections_max, allowed, own));
  }
  options.threads = threads;
  options.connections_max = connections;
}

std::optional<uint32_t> parse_id(std::string_view text) {
  uint32_t id = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  // The system takes the greatest number for "none".
  if (error != std::errc() || stop != text.data() + text.size() || id == static_cast<uint32_t>(-1)) return {};
  return id;
}

gid_t find_group(const std::string& name, const std::string& flag) {
  if (const group* const entry = getgrnam(name.c_str())) return entry->gr_gid;
  if (const std::optional<uint32_t> id = parse_id(name)) return *id;
  throw StartError(fmt::format("{}: there is no group '{}'", flag, name), kExitNoUser);
}

}  // namespace

void occupy_standard_descriptors() {
  // It can be neither read nor written.
  int fd = open("/", O_PATH | O_CLOEXEC);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/", O_PATH | O_CLOEXEC);
  const UniqueFd one_too_many(fd);
}

void reserve_little() {
  // 8 MiB unless the system says otherwise.
  pthread_attr_t attributes;
  if (pthread_getattr_default_np(&attributes) == 0) {
    pthread_attr_setstacksize(&attributes, kStackBytes);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
  }
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  if (limit.rlim_cur == RLIM_INFINITY) return;
  mallopt(M_ARENA_MAX, static_cast<int>(std::clamp<rlim_t>(limit.rlim_cur / 4 / kArenaBytes, 1, kThreadsMax)));
}

std::optional<User> find_user(const Options& options) {
  if (getuid() != 0 && geteuid() != 0) return std::nullopt;
  const std::string flag = flag_name(options, 'u');
  if (options.user.empty()) {
    throw StartError(fmt::format("{}: root must name the user to run as ('-u root' if it must be)", flag),
                     kExitUsage);
  }
  const size_t colon = options.user.find(':');
  const std::string name = options.user.substr(0, colon);
  const std::optional<uint32_t> id = parse_id(name);
  const passwd* entry = getpwnam(name.c_str());
  if (entry == nullptr && id) entry = getpwuid(*id);
  if (entry == nullptr && !id) throw StartError(fmt::format("{}: there is no user '{}'", flag, name), kExitNoUser);
  const User user = entry != nullptr ? User{entry->pw_uid, entry->pw_gid} : User{*id, *id};
  if (colon == std::string::npos) return user;
  return User{user.uid, find_group(options.user.substr(colon + 1), flag)};
}

void become(const std::optional<User>& user, const Options& options) {
  if (!user || (user->uid == 0 && user->gid == 0)) return;
  const std::string flag = flag_name(options, 'u');
  const auto fail = [&] {
    throw StartError(fmt::format("{}: cannot become user '{}': {}", flag, options.user, std::strerror(errno)),
                     kExitOsError);
  };
  // A root without that right may have no groups to give up.
  if (setgroups(0, nullptr) != 0) {
    if (errno != EPERM) fail();
    warn(fmt::format("{}: cannot give up supplementary groups: {}", flag, std::strerror(errno)));
  }
  if (setgid(user->gid) != 0 || setuid(user->uid) != 0) fail();
}

void set_limits(Options& options) {
  fit_descriptors(options);
  if (options.coredumps && raise_limit(RLIMIT_CORE, RLIM_INFINITY) == 0) {
    throw StartError(fmt::format("{}: the system allows no core files", flag_name(options, 'r')), kExitOsError);
  }
  if (options.lock_memory) raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
}

void fit_threads(Options& options) {
  // The HTTP port has one, too.
  const size_t others = options.http_port != 0 ? 1 : 0;
  std::promise<void> counted;
  const std::shared_future<void> is_counted = counted.get_future().share();
  std::vector<std::thread> threads;
  try {
    while (threads.size() < options.threads + others) threads.emplace_back([is_counted] { is_counted.wait(); });
  } catch (const std::system_error& error) {
    if (threads.size() <= others) {
      throw StartError(fmt::format("cannot start a thread: {}", error.code().message()), kExitOsError);
    }
    warn(fmt::format("{}: {} of {} threads: {}", flag_name(options, 't'), threads.size() - others, options.threads,
                     error.code().message()));
    options.threads = threads.size() - others;
  }
  counted.set_value();
  for (std::thread& thread : threads) thread.join();
}

void lock_memory(const Options& options) {
  if (!options.lock_memory) return;
  const std::string flag = flag_name(options, 'k');
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  // Under a limit, what is locked in advance could not be had at all.
  const bool all = limit.rlim_cur == RLIM_INFINITY;
  if (mlockall(MCL_CURRENT | MCL_ONFAULT | (all ? MCL_FUTURE : 0)) != 0) {
    warn(fmt::format("{}: cannot lock memory: {}", flag, std::strerror(errno)));
  } else if (!all) {
    warn(fmt::format("{}: memory of connections is not locked: the system allows {} bytes", flag, limit.rlim_cur));
  }
}

}  // namespace netd
