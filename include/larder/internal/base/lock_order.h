// The order in which mutexes are taken, as Clang's -Wthread-safety-beta checks it. lib/CONCURRENCY.md says what
// each of them guards.
#ifndef LARDER_INTERNAL_BASE_LOCK_ORDER_H_
#define LARDER_INTERNAL_BASE_LOCK_ORDER_H_

#include "absl/base/thread_annotations.h"

namespace larder::internal::lock_order {

// A boundary between mutexes: those that are acquired before it, and those after. There is no such object.
class ABSL_LOCKABLE Boundary {};

extern Boundary kEngine;
extern Boundary kCleaner ABSL_ACQUIRED_AFTER(kEngine);
extern Boundary kStripe ABSL_ACQUIRED_AFTER(kCleaner);
extern Boundary kLog ABSL_ACQUIRED_AFTER(kStripe);
extern Boundary kRemovals ABSL_ACQUIRED_AFTER(kLog);

}  // namespace larder::internal::lock_order

#endif  // LARDER_INTERNAL_BASE_LOCK_ORDER_H_
