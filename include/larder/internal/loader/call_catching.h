// Calls a load function.
#ifndef LARDER_INTERNAL_LOADER_CALL_CATCHING_H_
#define LARDER_INTERNAL_LOADER_CALL_CATCHING_H_

#include <exception>

#include "absl/status/status.h"
#include "larder/function_ref.h"

namespace larder::internal {

// What it throws, if the library was built with exceptions, goes into `exception`.
[[nodiscard]] absl::Status call_catching(FunctionRef<absl::Status()> call, std::exception_ptr& exception);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_LOADER_CALL_CATCHING_H_
