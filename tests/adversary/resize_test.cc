// The limit moved while the cache is in use: down to a tenth and back. Nothing is lost that need not be, resident
// memory follows, and what is not needed goes back to the system.
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "adversary/subject.h"
#include "support/resident_bytes.h"

namespace larder::adversary {
namespace {

constexpr size_t kLimit = (kIsSanitized ? 32 : 128) * kMiB;
constexpr size_t kTenth = kLimit / 10;
constexpr size_t kItemBytesMax = kTenth / 4;  // the lower limit must have room for four of the largest items
constexpr size_t kAllowedBytes = 8 * kMiB;
constexpr size_t kValueBytes = 300;
constexpr size_t kLargeBytes = 300 * kKiB;  // a large item, of a quarter of a segment or more

// What this thread has had of a processor.
int64_t cpu_ms() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000 + used.tv_nsec / 1'000'000;
}

void set_limit(Subject& subject, size_t bytes) {
  const absl::Status status = subject->set_memory_limit(bytes);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  CHECK(subject->stats().memory_used_bytes <= bytes);
}

void fill(Subject& subject, char family, uint64_t items) {
  for (uint64_t i = 0; i < items; ++i) subject.set(key_of(family, i), kValueBytes);
}

uint64_t count(Subject& subject, char family, uint64_t items) {
  uint64_t there = 0;
  for (uint64_t i = 0; i < items; ++i) there += subject->contains(key_of(family, i)) ? 1 : 0;
  return there;
}

TEST_CASE("what fits under the lower limit survives it, and stays when the limit goes up again") {
  Subject subject(kLimit, kItemBytesMax);
  const uint64_t items = kTenth * 7 / 10 / (kValueBytes + 32);
  fill(subject, 'k', items);
  set_limit(subject, kTenth);
  const uint64_t left = count(subject, 'k', items);
  MESSAGE("of ", items, " items that fit there are ", left, " left");
  CHECK(left == items);
  set_limit(subject, kLimit);
  CHECK(count(subject, 'k', items) == left);
  subject.check();
}

TEST_CASE("what fits survives although erased items lie between") {
  Subject subject(kLimit, kItemBytesMax);
  const uint64_t items = kLimit * 8 / 10 / (kValueBytes + 32);
  fill(subject, 'k', items);
  constexpr uint64_t kKeepOneIn = 16;
  for (uint64_t i = 0; i < items; ++i) {
    if (i % kKeepOneIn != 0) (void)subject->erase(key_of('k', i));
  }
  const uint64_t kept = count(subject, 'k', items);
  set_limit(subject, kTenth);
  const uint64_t left = count(subject, 'k', items);
  MESSAGE("of ", kept, " items, half of the lower limit, there are ", left, " left");
  CHECK(left == kept);
  subject.check();
}

TEST_CASE("a full cache keeps a tenth of its items under a tenth of the limit, those that are read first") {
  Subject subject(kLimit, kItemBytesMax);
  const uint64_t hot = kTenth / 2 / (kValueBytes + 32);
  fill(subject, 'h', hot);
  for (int i = 0; i < 3; ++i) {
    for (uint64_t j = 0; j < hot; ++j) REQUIRE(subject.get(key_of('h', j)));
  }
  fill(subject, 'k', kLimit / kValueBytes);
  for (uint64_t j = 0; j < hot; ++j) (void)subject.get_or_set(key_of('h', j), kValueBytes);
  const Stats before = subject->stats();
  set_limit(subject, kTenth);
  const Stats after = subject->stats();
  const uint64_t left = count(subject, 'h', hot);
  MESSAGE("items before ", before.items, " and after ", after.items, "; of ", hot, " that were read ", left);
  // Segments keep their size, so that there are few of them now. One is kept for the cleaner, two are open, and one
  // more is free when the index has given a page back after it was cleaned.
  CHECK(after.item_bytes + after.free_bytes > kTenth * 85 / 100);
  CHECK(after.free_bytes < 4 * after.segment_bytes);
  CHECK(left >= hot * 9 / 10);

  const uint64_t evictions = after.evictions;
  set_limit(subject, kLimit);
  CHECK(subject->stats().items == after.items);
  fill(subject, 'n', kLimit / 2 / (kValueBytes + 32));
  CHECK(subject->stats().evictions == evictions);
  CHECK(count(subject, 'h', hot) == left);
  subject.check();
}

TEST_CASE("half and lower: a limit below what the options promise is refused and changes nothing") {
  Subject subject(kLimit, kItemBytesMax);
  fill(subject, 'k', 1000);
  CHECK(!subject->set_memory_limit(4 * kItemBytesMax - 1).ok());
  CHECK(subject->stats().memory_limit_bytes == kLimit);
  CHECK(count(subject, 'k', 1000) == 1000);

  Subject small_items(kLimit, kKiB);
  CHECK(!small_items->set_memory_limit(kLimit / 16 - 1).ok());
  set_limit(small_items, kLimit / 16);
  fill(small_items, 'k', kLimit / kValueBytes / 4);
  // Segments keep their size, so that there are few. One is the cleaner's, one may just have been emptied, and one
  // may be open for what is read often, with little in it; the others are full.
  const Stats stats = small_items->stats();
  const uint64_t segments = stats.segments + stats.segments_free;
  CHECK(segments * stats.segment_bytes > kLimit / 16 * 2 / 3);
  CHECK(stats.item_bytes > (segments - 3) * stats.segment_bytes * 9 / 10);
  small_items.check();
}

// Three threads that get and set, and look whether what they find is theirs.
class Load {
 public:
  explicit Load(Subject& subject) : subject_(subject) {
    for (char family : {'x', 'y', 'z'}) {
      threads_.emplace_back([this, family] { run(family); });
    }
  }
  ~Load() { stop(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void stop() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  [[nodiscard]] uint64_t operations() const { return operations_; }
  [[nodiscard]] uint64_t hits() const { return hits_; }
  [[nodiscard]] uint64_t failures() const { return failures_; }
  [[nodiscard]] uint64_t slowest_us() const { return slowest_us_; }

 private:
  void run(char family) {
    model::Random random(seed() + static_cast<uint64_t>(family));
    std::string value;
    while (!is_over_) {
      const std::string key = key_of(family, random.below(1 + random.below(2 * kLimit / 3 / kValueBytes)));
      const auto begin = std::chrono::steady_clock::now();
      const bool is_there = subject_->get(key, value);
      if (!is_there) {
        const size_t bytes = random.one_in(2'000) ? kLargeBytes : random.below(2 * kValueBytes);
        if (subject_->set(key, Subject::value_of(key, bytes)) != StoreResult::kStored) ++failures_;
      }
      const auto took =
          std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
      raise(slowest_us_, static_cast<uint64_t>(took.count()));
      if (is_there) ++hits_;
      if (is_there && value != Subject::value_of(key, value.size())) ++failures_;
      ++operations_;
    }
  }

  static void raise(std::atomic<uint64_t>& most, uint64_t value) {
    for (uint64_t seen = most; value > seen && !most.compare_exchange_weak(seen, value);) {
    }
  }

  Subject& subject_;
  std::atomic<bool> is_over_{false};
  std::atomic<uint64_t> operations_{0}, hits_{0}, failures_{0}, slowest_us_{0};
  std::vector<std::thread> threads_;
};

TEST_CASE("down to a tenth and back under load: memory follows, and the load goes on") {
  // What earlier tests have left to malloc is not this cache's.
  malloc_trim(0);
  const size_t resident_before = resident_bytes();
  Subject subject(kLimit, kItemBytesMax);
  Load load(subject);
  const auto wait_until = [&](auto&& is_reached) {
    while (!is_reached()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  const auto check_resident = [&](size_t limit) {
    if (kIsSanitized) return;
    const size_t resident = resident_bytes();
    CHECK(resident <= resident_before + limit + kAllowedBytes);
  };
  for (int round = 0; round < 3; ++round) {
    wait_until([&] { return subject->stats().memory_used_bytes > kLimit * 9 / 10; });
    check_resident(kLimit);
    const size_t resident_full = resident_bytes();
    const int64_t begin_ms = cpu_ms();
    set_limit(subject, kTenth);
    const int64_t took_ms = cpu_ms() - begin_ms;
    check_resident(kTenth);
    const size_t resident_low = resident_bytes();
    MESSAGE("the lower limit took ", took_ms, " ms of its thread; resident ", resident_full / kMiB, " MiB, then ",
            resident_low / kMiB, " MiB, before all ", resident_before / kMiB, " MiB; slowest get or set ",
            load.slowest_us(), " us");
    // Of a quiet processor it takes less than 100 ms.
    CHECK(took_ms < (kIsSanitized ? 20'000 : 2'000));
    const uint64_t at = load.operations();
    wait_until([&] { return load.operations() > at + 20'000; });
    check_resident(kTenth);
    CHECK(subject->stats().memory_used_bytes > kTenth * 8 / 10);
    set_limit(subject, kLimit);
  }
  load.stop();
  CHECK(load.failures() == 0);
  CHECK(load.hits() > 1'000);
  subject.check();
}

}  // namespace
}  // namespace larder::adversary
