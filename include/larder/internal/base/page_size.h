// The size of the system's pages, which differs from machine to machine: 4, 16 or 64 KiB.
//
// Memory becomes resident, and goes back to the system, in whole pages: so whatever is charged for and given back
// by itself is a multiple of this.
#ifndef LARDER_INTERNAL_BASE_PAGE_SIZE_H_
#define LARDER_INTERNAL_BASE_PAGE_SIZE_H_

#include <cstddef>

namespace larder::internal {

// A power of two. The system is asked once.
[[nodiscard]] size_t os_page_bytes();

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_PAGE_SIZE_H_
