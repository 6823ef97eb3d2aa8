// A page of the index moves to other memory. Its old memory may go back to the system, and becomes a page of
// another stripe.
//
// Stands for: Index::rebuild, IndexMemory::allocate and free, Index::add_first_page, Index::place;
// Index::start_probe, of a reader without a lock and of an operation that goes on under the lock (Index::find).
//
// Must hold: an item that is there all the time is never found to be missing, and an operation under the lock goes
// on in the page that is the stripe's.
#ifndef LARDER_TESTS_MEMORY_MODEL_PAGE_MOVES_H_
#define LARDER_TESTS_MEMORY_MODEL_PAGE_MOVES_H_

#include "memory_model/engine_parts.h"

namespace larder::memory_model {

class PageMoves : public rl::test_suite<PageMoves, 3> {
 public:
  void before() { pages_[0].slot.store(kItem, mo_relaxed); }

  void thread(unsigned number) {
    if (number == 0) move_page();
    if (number == 1) add_page_of_other_stripe();
    if (number == 2) read_and_change();
  }

 private:
  static constexpr unsigned kItem = 1;
  static constexpr unsigned kOtherItem = 2;

  static void put(Bucket& bucket, unsigned slot) {
    const BucketChange change(bucket.control);
    bucket.slot.store(slot, mo_relaxed);
  }

  void move_page() {
    const Lock lock(stripe_);
    const LayoutChange change(layout_);
    put(pages_[0], 0);
    put(pages_[1], kItem);
    entry_.store(1, mo_relaxed);
    const Lock memory_lock(memory_);
    if (rl::rand(2) == 0) discard(pages_[0]);
    is_free_.store(1);
  }

  void add_page_of_other_stripe() {
    {
      const Lock memory_lock(memory_);
      if (is_free_.load() == 0) return;
    }
    put(pages_[0], kOtherItem);
  }

  void read_and_change() {
    const unsigned layout = layout_.load(order(kStartProbe));
    const unsigned entry = entry_.load(mo_relaxed);
    // The other item's key is compared, and is not the wanted one.
    const std::optional<Seen> seen = layout % 2 == 0 ? optimistic_find(pages_[entry]) : std::nullopt;
    if (seen && layout_.load(mo_relaxed) == layout) {
      require(seen->slot == kItem, "an item was missing while its page moved");
    }
    const Lock lock(stripe_);
    if (layout_.load(mo_relaxed) != layout) return;
    require(entry_.load(mo_relaxed) == entry, "an operation under the lock went on in a page that had moved");
  }

  Mutex stripe_;
  Mutex memory_;
  Bucket pages_[2];
  Atomic layout_;
  Atomic entry_;
  Plain is_free_;
};

// A stripe gets a directory of its own (Index::double_directory, Index::install; Stripe::entry).
class DirectoryGrows : public rl::test_suite<DirectoryGrows, 2> {
 public:
  void before() { few_pages_.store(kPage, mo_relaxed); }

  void thread(unsigned number) {
    if (number == 0) {
      deep_.store(few_pages_.load(mo_relaxed), mo_relaxed);
      directory_.store(1, order(kDirectoryInstall));
    } else {
      const bool is_deep = directory_.load(order(kDirectoryEntry)) != 0;
      const unsigned page = (is_deep ? deep_ : few_pages_).load(mo_relaxed);
      require(page == kPage, "a page was missing in a new directory");
    }
  }

 private:
  static constexpr unsigned kPage = 1;

  Atomic directory_;
  Atomic few_pages_;
  Atomic deep_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_PAGE_MOVES_H_
