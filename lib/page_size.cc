#include "larder/internal/base/page_size.h"

#include <unistd.h>

namespace larder::internal {

size_t os_page_bytes() {
  static const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace larder::internal
