#ifndef LARDER_INTERNAL_OBJECTS_OBJECT_QUEUES_INL_H_
#define LARDER_INTERNAL_OBJECTS_OBJECT_QUEUES_INL_H_

#include "larder/api.h"
#include "larder/internal/objects/object_queues.h"

namespace larder::internal {

LARDER_INLINE ObjectQueues::ObjectQueues(uint64_t weight_max, EvictionSample& sample)
    : sample_(sample), policy_(kGhostEntriesMin) {
  policy_.set_capacity(weight_max);
}

LARDER_INLINE void ObjectQueues::link(Object& object, Chain chain) {
  object.chain = chain;
  object.older = newest(chain);
  object.newer = nullptr;
  (object.older != nullptr ? object.older->newer : oldest(chain)) = &object;
  newest(chain) = &object;
  policy_.weight(chain) += object.weight;
}

LARDER_INLINE void ObjectQueues::unlink(Object& object) {
  if (hand_ == &object) hand_ = object.newer;
  (object.older != nullptr ? object.older->newer : oldest(object.chain)) = object.newer;
  (object.newer != nullptr ? object.newer->older : newest(object.chain)) = object.older;
  policy_.weight(object.chain) -= object.weight;
}

LARDER_INLINE void ObjectQueues::add(Object& object, const Object* replaced) {
  // As many as there are objects, but only when they no longer have room: nothing is evicted before.
  if (weight() + object.weight > weight_max()) policy_.ghost().grow(size_ + 1);
  ++size_;
  if (object.has_end()) note_end();
  object.place = Object::Place::kQueue;
  if (replaced == nullptr || replaced->place != Object::Place::kQueue) {
    link(object, policy_.chain_of_new(object.hash));
  } else {
    object.frequency.store(replaced->frequency.load());
    link(object, replaced->chain);
  }
}

LARDER_INLINE void ObjectQueues::take_out(Object& object) {
  unlink(object);
  object.place = Object::Place::kOut;
  --size_;
}

LARDER_INLINE Object* ObjectQueues::next_victim(int64_t now_ms, Removal& why) {
  for (int kept = 0; weight() > weight_max(); ++kept) {
    Object* const small = oldest(Chain::kSmall);
    Object* const main = oldest(Chain::kMain);
    Object* const object = small != nullptr && (policy_.is_small_next() || main == nullptr) ? small : main;
    if (object == nullptr) return nullptr;
    if (object->has_end() && object->is_loading.load() == 0 && object->is_over(now_ms)) {
      why = Removal::kExpired;
    } else {
      if (policy_.is_look_due()) look();
      const ItemPolicy::Decision decision =
          policy_.decide({.hash = object->hash,
                          .weight = object->weight,
                          .frequency = kept < kKeptMax ? object->frequency.load() : 0u,
                          .chain = object->chain,
                          .is_fill = object->is_fill});
      if (decision.is_kept) {
        unlink(*object);
        object->frequency.store(static_cast<uint8_t>(decision.frequency));
        object->is_fill = decision.is_fill;
        has_fills_ = has_fills_ || decision.is_fill;
        link(*object, decision.chain);
        continue;
      }
      if (object->chain == Chain::kSmall) sample_.note_eviction(object->hash);
      why = Removal::kEvicted;
    }
    take_out(*object);
    return object;
  }
  return nullptr;
}

LARDER_INLINE void ObjectQueues::look() {
  const EvictionSample::Counts counts = sample_.look();
  Flow& flow = policy_.flow();
  flow.sampled = counts.evicted;
  flow.again = counts.again;
  flow.asked_for = counts.asked_for;
  policy_.look();
}

LARDER_INLINE Object* ObjectQueues::sweep(int64_t now_ms) {
  if (hand_ == nullptr) {
    hand_chain_ = hand_chain_ == Chain::kSmall ? Chain::kMain : Chain::kSmall;
    hand_ = oldest(hand_chain_);
  }
  Object* const object = hand_;
  if (object == nullptr) return nullptr;
  hand_ = object->newer;
  if (object->is_fill && object->chain == Chain::kMain && policy_.loop_state() == LoopState::kOver) {
    // It is small's oldest, and has not been read.
    unlink(*object);
    Object* const next = oldest(Chain::kSmall);
    object->chain = Chain::kSmall;
    object->older = nullptr;
    object->newer = next;
    (next != nullptr ? next->older : newest(Chain::kSmall)) = object;
    oldest(Chain::kSmall) = object;
    policy_.weight(Chain::kSmall) += object->weight;
  }
  if (!object->has_end() || object->is_loading.load() != 0 || !object->is_over(now_ms)) return nullptr;
  take_out(*object);
  return object;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_OBJECTS_OBJECT_QUEUES_INL_H_
