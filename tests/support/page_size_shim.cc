// Loaded into a program by LD_PRELOAD, has the system's pages be as large as $PAGE_BYTES says: what is given back,
// protected or unmapped then concerns whole pages of that size, as on a machine that has them.
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

size_t page_bytes() {
  static const auto bytes = static_cast<size_t>(std::strtoul(std::getenv("PAGE_BYTES"), nullptr, 10));
  return bytes;
}

template <class Function>
Function* next(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// What Linux makes of a range: its begin must be that of a page, and its end is rounded up.
bool make_whole_pages(const void* begin, size_t& bytes) {
  if (reinterpret_cast<uintptr_t>(begin) % page_bytes() != 0) {
    errno = EINVAL;
    return false;
  }
  bytes = (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
  return true;
}

}  // namespace

extern "C" {

long sysconf(int name) noexcept {
  static const auto real = next(&sysconf, "sysconf");
  return name == _SC_PAGESIZE ? static_cast<long>(page_bytes()) : real(name);
}

int madvise(void* begin, size_t bytes, int advice) noexcept {
  static const auto real = next(&madvise, "madvise");
  return make_whole_pages(begin, bytes) ? real(begin, bytes, advice) : -1;
}

int mprotect(void* begin, size_t bytes, int protection) noexcept {
  static const auto real = next(&mprotect, "mprotect");
  return make_whole_pages(begin, bytes) ? real(begin, bytes, protection) : -1;
}

int munmap(void* begin, size_t bytes) noexcept {
  static const auto real = next(&munmap, "munmap");
  return make_whole_pages(begin, bytes) ? real(begin, bytes) : -1;
}

void* mmap(void* wanted, size_t bytes, int protection, int flags, int fd, off_t offset) noexcept {
  static const auto real = next(&mmap, "mmap");
  if ((flags & MAP_ANONYMOUS) == 0 || wanted != nullptr) return real(wanted, bytes, protection, flags, fd, offset);
  void* const all = real(nullptr, bytes + page_bytes(), protection, flags, fd, offset);
  if (all == MAP_FAILED) return all;
  // What is left over at both ends stays mapped.
  return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(all) + page_bytes() - 1) / page_bytes() *
                                 page_bytes());
}

}  // extern "C"
