#include "netd/oversized_value.h"

#include <sys/mman.h>

#include "netd/start_error.h"

namespace netd {
namespace {

const char* map_zeros(size_t bytes) {
  void* const data = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) throw StartError("out of address space", kExitOsError);
  return static_cast<const char*>(data);
}

}  // namespace

OversizedValue::OversizedValue(size_t value_bytes_max) : bytes_(value_bytes_max + 1), data_(map_zeros(bytes_)) {}

OversizedValue::~OversizedValue() { munmap(const_cast<char*>(data_), bytes_); }

}  // namespace netd
