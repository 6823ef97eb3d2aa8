// A handle holds an item of a cache in place.
//
//   if (larder::Handle page = cache.hold("page:/")) socket.send(page->value);
//
// The item stays as it was when the handle was made, until the handle is destroyed, whatever is stored under the
// key, and even if the item is evicted, erased, flushed or expires. Nothing is copied, and no other thread waits.
// The price is memory that cannot be reused meanwhile: that of the item, if it is longer than a quarter of a
// segment, or otherwise its whole segment (Stats::segment_bytes, once for all handles to items in it). Overwrites
// of items in that segment go elsewhere, and eviction skips it, because it would free no memory.
//
// Options::pinned_bytes_max therefore bounds what handles hold. A handle that would exceed the bound has its own
// copy, which counts towards the memory limit: items are evicted for it, and if none can be, memory use exceeds
// the limit. A handle with a copy behaves the same. Stats::handles, pinned_bytes, handle_bytes and handles_copied
// show the current state.
#ifndef LARDER_HANDLE_H_
#define LARDER_HANDLE_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "larder/api.h"
#include "larder/item.h"

namespace larder {

namespace internal {
class Engine;
}  // namespace internal

// Made by Cache::hold and larder::keep; must be gone before the cache is destroyed. Handles are independent of
// each other, and any thread may receive, move and destroy them; one handle is for one thread at a time.
class LARDER_API Handle {
 public:
  // An empty handle.
  Handle() = default;
  ~Handle() { release(); }
  Handle(Handle&& other) noexcept
      : engine_(std::exchange(other.engine_, nullptr)),
        held_(other.held_),
        copy_(std::move(other.copy_)),
        item_(std::exchange(other.item_, {})) {}
  Handle& operator=(Handle&& other) noexcept {
    Handle moved(std::move(other));
    std::swap(engine_, moved.engine_);
    std::swap(held_, moved.held_);
    std::swap(copy_, moved.copy_);
    std::swap(item_, moved.item_);
    return *this;
  }

  // Whether it shows an item.
  [[nodiscard]] explicit operator bool() const { return engine_ != nullptr; }

  // The item as it was when the handle was made, including its time left then. An empty view if the handle is
  // empty.
  [[nodiscard]] const ItemView& operator*() const { return item_; }
  [[nodiscard]] const ItemView* operator->() const { return &item_; }

  // Whether it has a copy.
  [[nodiscard]] bool is_copy() const { return copy_ != nullptr; }

  // Makes the handle empty.
  void release() {
    if (engine_ != nullptr) end();
  }

 private:
  friend class internal::Engine;

  void end();

  internal::Engine* engine_ = nullptr;
  uint32_t held_ = 0;             // the segment, unless there is a copy
  std::unique_ptr<char[]> copy_;  // of key and value
  ItemView item_;
};

}  // namespace larder

#endif  // LARDER_HANDLE_H_
