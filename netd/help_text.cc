#include "netd/help_text.h"

#include <fmt/format.h>

#include <string_view>

#include "netd/version.h"

namespace netd {
namespace {

constexpr std::string_view kFlagHelp =
    R"(-p, --port=<num>          TCP port to listen on (default: 11211; 0: none, -1: any that is free)
-U, --udp-port=<num>      UDP port to listen on (default: 0, none; -1: any that is free);
                          also for TCP unless -p is given. For trusted networks only:
                          strangers can have replies sent to others
-s, --unix-socket=<file>  UNIX socket to listen on (without TCP, unless -p or -l is given)
-a, --unix-mask=<mask>    access mask for UNIX socket, in octal (default: 700)
-A, --enable-shutdown     enable ascii "shutdown" command
-l, --listen=<addr>       interfaces to listen on (default: the loopback interface only;
                          '*' is every interface). May be given several times, or
                          as a list: <addr>[:<port>],<addr>[:<port>]...
-d, --daemon              run as a daemon; returns when connections are accepted
-r, --enable-coredumps    maximize core file limit
-u, --user=<user>         assume identity of <user>, a name or a number, or of
                          <user>:<group> (needed when run as root, and only then)
-m, --memory-limit=<num>  memory limit in megabytes (default: 64); covers items, their
                          index and connection buffers. Also <num>k, m, g or t, or
                          <num>% of the memory of the control group or machine
-M, --disable-evictions   return error on memory exhausted instead of evicting
-c, --conn-limit=<num>    max simultaneous connections (default: 1024); less, with a
                          warning, if the system allows too few open files
-k, --lock-memory         lock down all paged memory, as far as the system allows it
-v, --verbose             verbose (print errors/warnings while in event loop)
-vv                       very verbose (also print client commands/responses)
-vvv                      extremely verbose (internal state transitions)
-h, --help                print this help and exit
-i, --license             print the licenses of what netd is made with and exit
-V, --version             print version and exit
-P, --pidfile=<file>      save PID in <file>, removed at exit
-f, --slab-growth-factor=<num> accepted, without effect: there are no slabs
-n, --slab-min-size=<bytes>    accepted, without effect: there are no slabs
-L, --enable-largepages   not available; accepted with a warning
-D <char>, --stat-delimiter=<char>
                          character between key prefixes and the rest of a key, for
                          statistics per prefix (default: ':'). If it is given these
                          are kept from the start, otherwise after "stats detail on"
-t, --threads=<num>       number of threads to use (default: one per usable core)
-R, --max-reqs-per-event=<num> maximum number of requests per event, limits the
                          requests processed per connection to prevent
                          starvation (default: 20)
-C, --disable-cas         disable use of CAS
-b, --listen-backlog=<num> set the backlog queue limit (default: 1024)
-B, --protocol=<name>     protocol - ascii or auto (the default), which are the same:
                          there is no binary protocol
-I, --max-item-size=<num> adjusts max item size: key, value, flags and a header
                          (default: 1m, min: 1k, max: a quarter of -m, to which more,
                          up to half of -m, is lowered)
-F, --disable-flush-all   disable flush_all command
-X, --disable-dumping     disable stats cachedump, stats detail, stats why and lru_crawler
                          metadump
-W, --disable-watch       disable watch commands (live logging)
-Y, --auth-file=<file>    require authentication by one of the users in <file>, lines of
                          user:password; read again on SIGHUP
-N, --napi_ids=<num>      accepted, without effect
-o, --extended=<list>     comma separated list of extended options
   - maxconns_fast:       immediately close new connections after limit (default)
   - no_maxconns_fast:    let new connections wait after limit
   - idle_timeout=<num>:  close a connection after so many seconds in which it
                          sends nothing (default: 0, never)
   - send_timeout=<num>:  close a connection whose client has not taken a byte of
                          its replies for so many seconds (default: 600; 0: never)
   - request_timeout=<num>:
                          close a connection whose long request does not go on for so
                          many seconds (default: 60; 0: never)
   - watcher_logbuf_size=<num>:
                          kilobytes of log lines kept for each watcher (default: 256)
   - hotkeys=off:         do not count which keys are requested most, for
                          "stats hotkeys" (default: on)
                          Options that tune memcached's slabs, LRU and hash table are
                          checked and accepted, without effect.
--http-port=<num>         HTTP port for those who run netd: /metrics for Prometheus, with
                          the names of memcached_exporter; /healthz for probes; a
                          page for a browser at / (default: 0, none; -1: any that is
                          free)
--http-listen=<addr>      interfaces for it, as -l (default: the loopback interface only)
--http-host=<name>        names by which browsers and scrapers reach it, separated by
                          commas, besides addresses, localhost and those of --http-listen;
                          '*': any, which lets web pages elsewhere ask it, too
--health                  ask whether a server with the same -l, -p and -s answers, within
                          a second: exit 0, or 1 and say why not
--top [<addr>]            show each second what a running netd or memcached does: at <addr>,
                          <host>[:<port>] or the path of a UNIX socket, or else at -l,
                          -p and -s; a line each if the output is no terminal
--enable-debugtime        enable the "debugtime <seconds>" command, which moves the
                          clock forward: for tests of expiry
Not supported: -S (SASL), -Z (TLS), -e (memory file), and the extended options ext_*,
proxy_*, ssl_* and drop_privileges.

Environment: each flag has a variable, NETD_MEMORY_LIMIT=2g for --memory-limit=2g,
NETD_DISABLE_CAS=1 for --disable-cas; the command line comes second.
MEMCACHED_PORT_FILENAME names a file to write the bound ports to.
Signals: SIGINT, SIGTERM and SIGUSR1 end netd when what has been received is answered;
SIGHUP has it read the file of -Y again.
)";

}  // namespace

std::string help_text() { return fmt::format("netd {}\n{}", version_text(), kFlagHelp); }

std::string license_text() {
  return fmt::format(
      "netd {}\n\nMade with Abseil (Apache License 2.0), Asio and Boost (Boost Software License 1.0),\n"
      "fmt and nlohmann-json (MIT License), and xxHash (BSD 2-Clause License).\n",
      version_text());
}

std::string version_line() { return fmt::format("netd {}\n", version_text()); }

}  // namespace netd
