// For owners who want to know what a cache removes on its own account.
#ifndef LARDER_REMOVAL_LISTENER_H_
#define LARDER_REMOVAL_LISTENER_H_

#include <cstdint>

#include "larder/api.h"
#include "larder/scan.h"

namespace larder {

// Why an item has gone.
enum class Removal : uint8_t {
  kEvicted,  // a live item had to make room
  kExpired,  // the room of an item past its expiry was taken back
};

// Told of each item that the cache removes by itself; not of those that callers erase, overwrite or flush.
class LARDER_API RemovalListener {
 public:
  virtual ~RemovalListener() = default;

  // Called from whichever thread made the cache remove the item, with locks of the cache held: it should take no
  // longer than counting does, must not throw, and must not call the cache.
  virtual void removed(const ItemInfo& item, Removal why) = 0;
};

}  // namespace larder

#endif  // LARDER_REMOVAL_LISTENER_H_
