// For owners who want to know what becomes of a cache's items: to count it, to keep elsewhere what is evicted, or
// to release what an item stood for.
#ifndef LARDER_REMOVAL_LISTENER_H_
#define LARDER_REMOVAL_LISTENER_H_

#include <cstdint>
#include <string_view>

#include "larder/api.h"
#include "larder/result.h"
#include "larder/scan.h"

namespace larder {

// Why an item has gone.
enum class Removal : uint8_t {
  kEvicted,   // it was good, but had to make room
  kExpired,   // it was found past its expiry
  kReplaced,  // another value was stored under its key, by a store of any kind or a counter
  kErased,    // a caller removed it: erase, reject, an expiry already past, a set that failed; or a load found none
  kFlushed,   // flush_all or flush_namespace removed it
};
inline constexpr int kRemovalCount = 5;  // how many causes there are

// "evicted", "expired", …
[[nodiscard]] LARDER_API std::string_view to_string(Removal why);

// An item that has gone, as it was. Key and value are valid only during the call that shows them.
struct RemovedItem : ItemInfo {
  std::string_view value;  // empty unless RemovalListener::wants_values
};

// Told of the items that leave a cache: of each at most once, and of each that a cache has held exactly once when
// the cache has been emptied; not of those that are still in it when it is destroyed. To change an item's expiry,
// client flags or marks alone (touch, invalidate, update with the item's own value) removes nothing. What loaders
// leave in the place of an item (loader.h) is none, and not told of.
//
// What is evicted, replaced or erased is told of when that happens. What has expired or was flushed is told of when
// the cache comes upon it: asked for the key, or when it takes back the room, which Cache::maintain hastens.
class LARDER_API RemovalListener {
 public:
  virtual ~RemovalListener() = default;

  // Called with no lock of the cache held, by the thread whose operation removed the item or by one that ends an
  // operation at the same time; by several threads at once, if several use the cache. If one thread uses it, its
  // operation returns after the calls, which come in the order in which items went. Between threads there is no
  // order, not even for one key.
  //
  // May call the cache. What that removes is told of after this call, not inside it, and before the operation
  // returns; but of a chain of such calls no more than seven: the rest waits for the next operation that may remove
  // something. Until then the queue keeps it: a listener that goes on removing more than it is told of will run out
  // of memory. Must not throw, nor destroy the cache. A lock that it takes must not be held around calls of the
  // cache.
  virtual void removed(const RemovedItem& item, Removal why) = 0;

  // Asked once for each cause, when a cache is created: what is not wanted costs nothing.
  [[nodiscard]] virtual bool wants(Removal why) const {
    (void)why;
    return true;
  }

  // Asked once, when a cache is created. true: values are copied too, under the locks that hold when items go.
  [[nodiscard]] virtual bool wants_values() const { return false; }
};

}  // namespace larder

#endif  // LARDER_REMOVAL_LISTENER_H_
