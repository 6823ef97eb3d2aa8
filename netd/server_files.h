// Files about the running server for others: its process id, its ports.
#ifndef NETD_SERVER_FILES_H_
#define NETD_SERVER_FILES_H_

#include <span>
#include <string>

#include "netd/listen_socket.h"

namespace netd {

// The pid file, which exists as long as this object; if it cannot be written, there is none, and a warning in the
// log. It is written under another name and renamed, so that nobody reads half of it, and never through a symbolic
// link.
class PidFile {
 public:
  // An empty path: no file. Warns in the log if the file names a running process.
  explicit PidFile(const std::string& path);
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;  // empty: none was written
};

// Writes the bound ports, one per line ("TCP INET: 11211", "HTTP INET: 8080"), to the file that
// MEMCACHED_PORT_FILENAME names, if it is set; or warns in the log.
void write_port_file(std::span<const ListenSocket> sockets, std::span<const ListenSocket> http_sockets);

}  // namespace netd

#endif  // NETD_SERVER_FILES_H_
