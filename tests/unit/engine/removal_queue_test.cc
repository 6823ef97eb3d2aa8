#include "larder/internal/engine/removal_queue.h"

#include <cstdlib>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"

namespace {

bool g_is_memory_short = false;

}  // namespace

// For all of this program, so that there may be no memory.
void* operator new(size_t bytes) {
  void* const memory = g_is_memory_short ? nullptr : std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace larder::internal {
namespace {

struct Listener : RemovalListener {
  void removed(const RemovedItem& item, Removal) override {
    told.push_back(std::string(item.key) + '=' + std::string(item.value));
    if (queue != nullptr) {
      queue->add({.key = "again"}, {}, Removal::kErased);
      queue->deliver();
    }
  }
  [[nodiscard]] bool wants(Removal why) const override { return why != Removal::kExpired; }
  [[nodiscard]] bool wants_values() const override { return true; }

  std::vector<std::string> told;
  RemovalQueue* queue = nullptr;  // to be added to from inside
};

struct Fixture {
  Listener listener;
  Counters counters;
  RemovalQueue queue{listener, counters};
};

TEST_CASE("what is added is told in its order when it is delivered, once, whatever became of its memory") {
  Fixture fixture;
  for (const char c : {'a', 'b'}) {
    const std::string key(1, c), value(100, c);
    fixture.queue.add({.key = key}, value, Removal::kErased);
  }
  CHECK(fixture.listener.told.empty());
  { const RemovalQueue::Delivery delivery(&fixture.queue); }
  CHECK(fixture.listener.told ==
        std::vector<std::string>{"a=" + std::string(100, 'a'), "b=" + std::string(100, 'b')});
  fixture.queue.deliver();
  CHECK(fixture.listener.told.size() == 2);
  { const RemovalQueue::Delivery none(nullptr); }
}

TEST_CASE("the listener is asked what it wants once") {
  Fixture fixture;
  CHECK(fixture.queue.wants(Removal::kEvicted));
  CHECK_FALSE(fixture.queue.wants(Removal::kExpired));
  CHECK(fixture.queue.wants(Removal::kFlushed));
}

TEST_CASE("a delivery goes on with what the listener causes, for some rounds") {
  Fixture fixture;
  fixture.listener.queue = &fixture.queue;
  fixture.queue.add({.key = "first"}, {}, Removal::kErased);
  fixture.queue.deliver();
  CHECK(fixture.listener.told.size() == 8);
  fixture.listener.queue = nullptr;
  fixture.queue.deliver();
  CHECK(fixture.listener.told.size() == 9);
}

TEST_CASE("an item that there is no memory for is counted, and those before and after it are told") {
  Fixture fixture;
  const std::string value(1000, 'v');
  fixture.queue.add({.key = "before"}, {}, Removal::kErased);
  g_is_memory_short = true;
  fixture.queue.add({.key = "lost"}, value, Removal::kErased);
  g_is_memory_short = false;
  fixture.queue.add({.key = "after"}, value, Removal::kErased);
  fixture.queue.deliver();
  CHECK(fixture.listener.told == std::vector<std::string>{"before=", "after=" + value});
  CHECK(fixture.counters.sum(Counter::kRemovalsUntold) == 1);
}

}  // namespace
}  // namespace larder::internal
