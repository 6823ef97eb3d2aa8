// For owners who want to know what happens to a cache's items: to count it, to keep evicted items elsewhere, or to
// release what an item stood for.
#ifndef LARDER_REMOVAL_LISTENER_H_
#define LARDER_REMOVAL_LISTENER_H_

#include <cstdint>
#include <string_view>

#include "larder/api.h"
#include "larder/result.h"
#include "larder/scan.h"

namespace larder {

// Why an item was removed.
enum class Removal : uint8_t {
  kEvicted,   // it was still good, but had to make room
  kExpired,   // its expiry had passed when the cache met it
  kReplaced,  // another value was stored under its key, by a store of any kind or a counter
  kErased,   // a caller removed it: erase, erase_tag, reject, an expiry already past, a failed set; or a load found
             // nothing
  kFlushed,  // flush_all or flush_namespace removed it
};
inline constexpr int kRemovalCount = 5;  // the number of causes

// "evicted", "expired", …
[[nodiscard]] LARDER_API std::string_view to_string(Removal why);

// A removed item, as it was. Key and value are valid only during the call that shows them.
struct RemovedItem : ItemInfo {
  std::string_view value;  // empty unless RemovalListener::wants_values
};

// Is told which items leave a cache: each item at most once, and each exactly once if the cache is emptied; not
// those that are still in it when it is destroyed. A change of an item's expiry, client flags or marks alone
// (touch, invalidate, update with the item's own value) is not a removal. Placeholders and absent markers of
// loaders (loader.h) are not items, and are not reported.
//
// Evictions, replacements and erases are reported when they happen. Expired and flushed items, and those whose tag
// was erased, are reported when the cache meets them: when somebody asks for the key, or when it reclaims their
// room, which Cache::maintain does sooner.
class LARDER_API RemovalListener {
 public:
  virtual ~RemovalListener() = default;

  // Called without a lock of the cache, by the thread whose operation removed the item or by one that ends an
  // operation at the same time; concurrently, if several threads use the cache. If only one thread uses it, its
  // operation returns after these calls, which come in the order of removal. Between threads there is no order,
  // not even for one key.
  //
  // May call the cache. Removals by such calls are reported after this call, not inside it, and before the
  // operation returns; but at most seven in a chain: the rest waits in the queue for the next operation that may
  // remove something. A listener that keeps removing more than it is told of will run out of memory. Must not
  // throw, and must not destroy the cache. A lock that it takes must not be held while calling the cache.
  virtual void removed(const RemovedItem& item, Removal why) = 0;

  // Called once for each cause, when a cache is created. Causes that are not wanted cost nothing.
  [[nodiscard]] virtual bool wants(Removal why) const {
    (void)why;
    return true;
  }

  // Called once, when a cache is created. true: values are copied too, under the locks that are held at removal.
  [[nodiscard]] virtual bool wants_values() const { return false; }
};

}  // namespace larder

#endif  // LARDER_REMOVAL_LISTENER_H_
