// The system's page size, which differs between machines: 4, 16 or 64 KiB.
//
// Memory becomes resident, and goes back to the system, in whole pages. Therefore everything that is charged and
// given back by itself is a multiple of this.
#ifndef LARDER_INTERNAL_BASE_PAGE_SIZE_H_
#define LARDER_INTERNAL_BASE_PAGE_SIZE_H_

#include <cstddef>

namespace larder::internal {

// A power of two. Asks the system once.
[[nodiscard]] size_t os_page_bytes();

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_PAGE_SIZE_H_
