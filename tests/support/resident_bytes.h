// The memory of this process that the system holds resident.
#ifndef LARDER_TESTS_SUPPORT_RESIDENT_BYTES_H_
#define LARDER_TESTS_SUPPORT_RESIDENT_BYTES_H_

#include <sys/mman.h>
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

// Whether the system gives a page of its own even to memory that is only read. Most map one page of zeros for all.
inline bool is_read_memory_resident() {
  constexpr size_t kBytes = size_t{4} << 20;
  void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  madvise(memory, kBytes, MADV_NOHUGEPAGE);
  const size_t before = resident_bytes();
  const auto* const bytes = static_cast<const volatile char*>(memory);
  for (size_t at = 0; at < kBytes; at += static_cast<size_t>(sysconf(_SC_PAGESIZE))) (void)bytes[at];
  const bool is_resident = resident_bytes() - before > kBytes / 2;
  munmap(memory, kBytes);
  return is_resident;
}

}  // namespace larder

#endif  // LARDER_TESTS_SUPPORT_RESIDENT_BYTES_H_
