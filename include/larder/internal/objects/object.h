// One object in a store of objects (object_store.h), as far as it does not depend on the program's types.
//
// It is made by std::make_shared and owned by itself while it is in a store: a reader gets a pointer to the
// program's object that shares this ownership, which takes one count. When it is taken out of the store, it gives
// up its own share, outside of every lock, and is destroyed with the last reader's.
#ifndef LARDER_INTERNAL_OBJECTS_OBJECT_H_
#define LARDER_INTERNAL_OBJECTS_OBJECT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>

#include "larder/internal/base/atomic.h"
#include "larder/internal/base/per_thread.h"
#include "larder/internal/segments/segment.h"
#include "larder/removal_listener.h"

namespace larder::internal {

struct Object;
struct ObjectLoad;

inline constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();

// Of a hash, so that who chooses keys cannot aim at one bucket unless he knows the seed.
inline constexpr uint64_t kHashMultiplier = 0x9e3779b97f4a7c15;
[[nodiscard]] constexpr uint64_t mix_hash(uint64_t hash, uint64_t seed) {
  hash = (hash ^ seed) * kHashMultiplier;
  hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93;
  return hash ^ hash >> 32;
}

// What has been taken out of a store and is still in use.
struct HeldObjects {
  RelaxedAtomic<uint64_t> count{0};
  RelaxedAtomic<uint64_t> weight{0};
};

// The objects of one cache in a store: what is the same for all of them.
struct ObjectSpace {
  enum class Count : uint8_t { kHits, kMisses, kStores };

  // By threads of their own: who only reads writes to no line that another thread writes, but for the lock and what
  // it reads.
  void count(Count what);
  [[nodiscard]] uint64_t counted(Count what) const;

  uint64_t salt = 0;         // of its keys' hashes
  int64_t idle_ms = kNoEnd;  // how long one stays that nobody reads
  // Is told of each that is taken out. Empty: nobody is.
  std::function<void(const std::shared_ptr<Object>& object, Removal why)> listener;
  // Its cache is about to end: nothing is stored any more. Written before its owner goes through the shards, and
  // read under their mutexes.
  RelaxedAtomic<uint8_t> is_ending{0};
  // How many calls of it are under way, or to come: its owner waits for them.
  OrderedAtomic<uint32_t> telling{0};

  struct alignas(64) Counts {
    std::array<RelaxedAtomic<uint64_t>, 3> all{};
  };
  PerThread<Counts, 16> counts;
  std::array<RelaxedAtomic<uint64_t>, kRemovalCount> removals{};
};

struct Object {
  // Constant since it was put into the store.
  uint64_t hash = 0;
  uint64_t weight = 1;
  ObjectSpace* space = nullptr;
  const void* value = nullptr;  // the program's object; none: it is known that there is none, or it is being loaded

  // Guarded by the mutex of its shard.
  Object* next = nullptr;            // in its bucket
  std::shared_ptr<ObjectLoad> load;  // that is to replace it
  int64_t fresh_until_ms = kNoEnd;   // after that it is for callers whose load fails

  // Written under the mutex of its shard, and read under that of the queues as well.
  RelaxedAtomic<int64_t> expires_ms{kNoEnd};
  RelaxedAtomic<int64_t> read_ms{0};  // if it has to be read again in time
  RelaxedAtomic<uint8_t> frequency{0};
  RelaxedAtomic<uint8_t> is_loading{0};  // has a load; then its time may be over, and it stays for that

  // Guarded by the mutex of the queues.
  enum class Place : uint8_t { kNew, kQueue, kOut };
  Place place = Place::kNew;
  Chain chain = Chain::kSmall;
  bool is_fill = false;  // see ItemPolicy::Oldest
  Object* older = nullptr;
  Object* newer = nullptr;

  // Itself. Read under the mutex of its shard by who has found it there, and under that of the queues by who has
  // found it there; given up by who has taken it out of its shard, after it is out of the queues.
  std::shared_ptr<Object> self;
  // Given to it when it is taken out while it is in use.
  std::shared_ptr<HeldObjects> held;

  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object() {
    if (held == nullptr) return;
    held->count.fetch_sub(1);
    held->weight.fetch_sub(weight);
  }

  static constexpr uint8_t kFrequencyMax = 3;
  // Under the mutex of its shard.
  void note_read() {
    const uint8_t seen = frequency.load();
    if (seen < kFrequencyMax) frequency.store(static_cast<uint8_t>(seen + 1));
  }

  // Whether its time is over.
  [[nodiscard]] bool is_over(int64_t now_ms) const {
    const int64_t idle_ms = space->idle_ms;
    return now_ms >= expires_ms.load() || (idle_ms != kNoEnd && now_ms - read_ms.load() >= idle_ms);
  }
  // Whether that can depend on the time.
  [[nodiscard]] bool has_end() const { return expires_ms.load() != kNoEnd || space->idle_ms != kNoEnd; }
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_OBJECTS_OBJECT_H_
