#ifndef LARDER_INTERNAL_BASE_PAGE_SIZE_INL_H_
#define LARDER_INTERNAL_BASE_PAGE_SIZE_INL_H_

#include <unistd.h>

#include "larder/api.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {

LARDER_INLINE size_t os_page_bytes() {
  static const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_PAGE_SIZE_INL_H_
