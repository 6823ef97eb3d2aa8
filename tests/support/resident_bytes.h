// The memory of this process that the system holds resident.
#ifndef LARDER_TESTS_SUPPORT_RESIDENT_BYTES_H_
#define LARDER_TESTS_SUPPORT_RESIDENT_BYTES_H_

#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace larder {

inline size_t resident_bytes() {
  size_t total_pages = 0;
  size_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace larder

#endif  // LARDER_TESTS_SUPPORT_RESIDENT_BYTES_H_
