// Files that tell others about the running server: its process id, its ports.
#ifndef NETD_SERVER_FILES_H_
#define NETD_SERVER_FILES_H_

#include <span>
#include <string>

#include "netd/listen_socket.h"

namespace netd {

// The pid file: there as long as this object is, or, with a warning in the log, not at all if it cannot be written.
// Written beside its place and renamed, so that nobody reads half of it, and never through a symbolic link.
class PidFile {
 public:
  // An empty path: no file. Warns in the log when the file names a process that is running.
  explicit PidFile(const std::string& path);
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;  // empty: none was written
};

// Writes the bound ports, one a line ("TCP INET: 11211"), to the file that MEMCACHED_PORT_FILENAME names,
// if it does; or warns in the log.
void write_port_file(std::span<const ListenSocket> sockets);

}  // namespace netd

#endif  // NETD_SERVER_FILES_H_
