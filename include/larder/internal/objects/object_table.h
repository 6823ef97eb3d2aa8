// The hash table of one shard of a store: chains of objects, from buckets that are doubled bit by bit.
//
// The hash of an object and its key lie in the object, so a lookup touches two lines of memory: the bucket and the
// object. While the table grows there are two arrays of buckets, and each insertion empties a few buckets of the
// old one; none has to wait until all are moved.
#ifndef LARDER_INTERNAL_OBJECTS_OBJECT_TABLE_H_
#define LARDER_INTERNAL_OBJECTS_OBJECT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "larder/internal/objects/object.h"

namespace larder::internal {

// For one thread at a time.
class ObjectTable {
 public:
  ObjectTable() = default;
  ~ObjectTable() {
    if (count_ > 1) std::free(buckets_);
    std::free(old_);
  }
  ObjectTable(const ObjectTable&) = delete;
  ObjectTable& operator=(const ObjectTable&) = delete;

  [[nodiscard]] size_t size() const { return size_; }

  // The object with this hash for which is_it(object) is true. None: null.
  template <class IsIt>
  [[nodiscard]] Object* find(uint64_t hash, IsIt&& is_it) const {
    Object* object = *bucket_of(hash);
    while (object != nullptr && !(object->hash == hash && is_it(*object))) object = object->next;
    return object;
  }

  // There must be none with its key. (If there is no memory for more buckets, chains become longer.)
  void insert(Object& object) {
    if (size_ >= count_) grow();
    move_some();
    Object** const bucket = bucket_of(object.hash);
    object.next = *bucket;
    *bucket = &object;
    ++size_;
  }

  // Puts another one with the same hash into its place.
  void replace(Object& object, Object& by) {
    Object** const link = link_of(object);
    by.next = object.next;
    *link = &by;
  }

  // False if it is not here.
  bool erase(Object& object) {
    Object** const link = link_of(object);
    if (*link == nullptr) return false;
    *link = object.next;
    --size_;
    return true;
  }

  // Calls visit(object) for each, which returns whether it stays. It may change object.next of those that do not.
  template <class Visit>
  void retain_if(Visit&& visit) {
    retain_if(old_, old_ != nullptr ? count_ / 2 : 0, visit);
    retain_if(buckets_, count_, visit);
  }

 private:
  static constexpr size_t kMovedPerInsertion = 4;
  static constexpr size_t kFirstCount = 8;

  template <class Visit>
  void retain_if(Object** buckets, size_t count, Visit& visit) {
    for (size_t i = 0; i < count; ++i) {
      for (Object** link = &buckets[i]; *link != nullptr;) {
        Object& object = **link;
        Object* const next = object.next;
        if (visit(object)) {
          link = &object.next;
        } else {
          *link = next;
          --size_;
        }
      }
    }
  }

  // Shards are told apart by the upper bits.
  [[nodiscard]] Object** bucket_of(uint64_t hash) const {
    if (old_ != nullptr) [[unlikely]] {
      const size_t in_old = hash & (count_ / 2 - 1);
      if (in_old >= moved_) return &old_[in_old];
    }
    return &buckets_[hash & (count_ - 1)];
  }

  // What points at the object, or the null at the end of its bucket.
  [[nodiscard]] Object** link_of(const Object& object) const {
    Object** link = bucket_of(object.hash);
    while (*link != nullptr && *link != &object) link = &(*link)->next;
    return link;
  }

  void grow() {
    while (old_ != nullptr) move_some();
    const size_t count = count_ == 1 ? kFirstCount : 2 * count_;
    // The system makes its zeros when they are first touched, not all at once.
    auto** const more = static_cast<Object**>(std::calloc(count, sizeof(Object*)));
    if (more == nullptr) return;
    if (count_ == 1) {
      // So few are moved at once.
      buckets_ = more;
      count_ = count;
      relink(std::exchange(first_, nullptr));
    } else {
      old_ = std::exchange(buckets_, more);
      count_ = count;
      moved_ = 0;
    }
  }

  void move_some() {
    for (size_t i = 0; i < kMovedPerInsertion && old_ != nullptr; ++i) {
      relink(std::exchange(old_[moved_++], nullptr));
      if (moved_ < count_ / 2) continue;
      std::free(old_);
      old_ = nullptr;
    }
  }

  // Puts a chain's objects into the buckets where they belong now.
  void relink(Object* object) {
    while (object != nullptr) {
      Object*& bucket = buckets_[object->hash & (count_ - 1)];
      Object* const next = std::exchange(object->next, bucket);
      bucket = object;
      object = next;
    }
  }

  Object** buckets_ = &first_;
  size_t count_ = 1;        // a power of two
  Object** old_ = nullptr;  // half as many, while they are moved
  size_t moved_ = 0;        // of these, how many are empty
  size_t size_ = 0;
  Object* first_ = nullptr;  // the only bucket at first
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_OBJECTS_OBJECT_TABLE_H_
