// A handle: an item of a cache, held where it lies.
//
//   if (larder::Handle page = cache.hold("page:/")) socket.send(page->value);
//
// What it shows stays as it was when the handle was made, until the handle is destroyed: whatever is stored under
// the key, and whether the item is evicted, erased, flushed or expires. Nothing is copied, and nobody else is held
// up. The price is memory that cannot be used again meanwhile: that of the item, if it is longer than a quarter of
// a segment, or the whole segment that it lies in (Stats::segment_bytes; once for all handles to items in it). What
// is overwritten there meanwhile is put elsewhere, and eviction passes over what is there: it would give no memory.
//
// So what handles hold is bounded by Options::pinned_bytes_max. A handle that would exceed that has a copy of its
// own, which counts towards the memory limit: items are evicted for it, and when nothing is left that could be, it
// goes beyond the limit. To its owner it is the same. Stats::handles, pinned_bytes,
// handle_bytes and handles_copied tell how things stand.
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

// Made by Cache::hold and larder::keep, and gone before the cache is. Handles are independent of each other, and
// may be moved to and destroyed by any thread; one handle is for one thread at a time.
class LARDER_API Handle {
 public:
  // An empty one.
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

  // The item as it was when the handle was made, its time left among it. Of an empty handle, an empty view.
  [[nodiscard]] const ItemView& operator*() const { return item_; }
  [[nodiscard]] const ItemView* operator->() const { return &item_; }

  // Whether what it shows is a copy.
  [[nodiscard]] bool is_copy() const { return copy_ != nullptr; }

  // Makes it empty.
  void release() {
    if (engine_ != nullptr) end();
  }

 private:
  friend class internal::Engine;

  void end();

  internal::Engine* engine_ = nullptr;
  uint32_t held_ = 0;             // the segment, unless there is a copy,
  std::unique_ptr<char[]> copy_;  // of key and value
  ItemView item_;
};

}  // namespace larder

#endif  // LARDER_HANDLE_H_
