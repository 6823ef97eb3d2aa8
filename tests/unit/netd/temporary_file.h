// A file that is gone when the test is over.
#ifndef TESTS_UNIT_NETD_TEMPORARY_FILE_H_
#define TESTS_UNIT_NETD_TEMPORARY_FILE_H_

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace netd {

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    close(mkstemp(path.data()));
    write(text);
  }
  ~TemporaryFile() { unlink(path.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(const std::string& text) const { std::ofstream(path) << text; }

  std::string path = "/tmp/larder-test-XXXXXX";
};

}  // namespace netd

#endif  // TESTS_UNIT_NETD_TEMPORARY_FILE_H_
