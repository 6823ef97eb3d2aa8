// Many threads on one small cache, and a checker of what they see.
//
// Each key has one writer. A value carries its key, a version that its writer counts up, and a checksum. Before a
// writer's call returns it publishes the version; a reader notes the published version before its read. A reader
// must then never see
//   a torn value        the checksum does not fit,
//   a foreign value     it carries another key,
//   an old value        its version is older than the one published before the read began,
//   a resurrected value its version was erased before the read began.
// What a handle shows must be the same at its end, however late that is.
// Misses are always allowed: memory is short, so that eviction, cleaning, page splits and merges go on all the
// while, and values are overwritten in place, grow, shrink, become large, expire and are flushed.
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/hot_keys.h"
#include "larder/renewal.h"
#include "larder/serving.h"
#include "larder/sizing.h"
#include "model/random.h"

namespace larder::model {
namespace {

constexpr uint64_t kWriters = 3;
constexpr uint64_t kReaders = 3;
constexpr uint64_t kKeysPerWriter = 4000;

constexpr uint64_t kHitsMin = 1000;
constexpr uint64_t kEvictionsMin = 100;

// Of copies that handles have, longer ones are soon let go.
constexpr size_t kCopyBytesKept = 4000;

struct Header {
  uint64_t key;
  uint64_t version;
  uint64_t checksum;  // of everything behind the header, and of key and version
};

uint64_t checksum_of(uint64_t key, uint64_t version, std::string_view filling) {
  uint64_t sum = key * 0x9e3779b97f4a7c15u + version;
  for (const char byte : filling) sum = (sum ^ static_cast<uint8_t>(byte)) * 0x100000001b3u;
  return sum;
}

std::string make_value(uint64_t key, uint64_t version, size_t filling_bytes) {
  std::string value(sizeof(Header) + filling_bytes, static_cast<char>('A' + version % 26));
  Header header{.key = key, .version = version, .checksum = 0};
  header.checksum = checksum_of(key, version, std::string_view(value).substr(sizeof header));
  std::memcpy(value.data(), &header, sizeof header);
  return value;
}

struct History {
  std::atomic<uint64_t> acknowledged{0};  // no version below this may be seen by a read that starts now
};

class Stress {
 public:
  Stress(size_t memory_limit_bytes, size_t filling_bytes_max, uint64_t seed, size_t external_bytes = 0)
      : filling_bytes_max_(filling_bytes_max), seed_(seed), histories_(kWriters * kKeysPerWriter) {
    Options options;
    options.memory_limit_bytes = memory_limit_bytes;
    options.item_bytes_max = memory_limit_bytes / 4;
    options.pinned_bytes_max = memory_limit_bytes / 32;  // so that some handles are copies
    options.seed = seed;
    options.curve_share_max = 1;
    // Writers 1 and 2 write in namespaces, the first with a limit of its own, the other one without.
    options.namespaces = {{.prefix = "1:", .item_bytes_limit = memory_limit_bytes / 3}, {.prefix = "2:"}};
    auto cache = Cache::create(options);
    REQUIRE(cache.ok());
    cache_ = *std::move(cache);
    add_external_bytes(*cache_, static_cast<int64_t>(external_bytes));
  }

  void run(std::chrono::milliseconds duration) {
    std::vector<std::thread> threads;
    for (uint64_t i = 0; i < kWriters; ++i) threads.emplace_back([this, i] { write(i); });
    for (uint64_t i = 0; i < kReaders; ++i) threads.emplace_back([this, i] { read(i); });
    threads.emplace_back([this] { administrate(); });
    // A slow machine takes longer to be worth something: to have read values, and to have been short of memory.
    const auto is_worthless = [this] {
      const Stats stats = cache_->stats();
      return hits_ <= kHitsMin || stats.evictions <= kEvictionsMin || stats.handles_copied == 0;
    };
    std::this_thread::sleep_for(duration);
    while (is_worthless()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    is_over_ = true;
    for (std::thread& thread : threads) thread.join();

    CHECK(torn_ == 0);
    CHECK(foreign_ == 0);
    CHECK(old_ == 0);
    CHECK(refused_ == 0);
    const absl::Status valid = assert_valid(*cache_);
    CHECK_MESSAGE(valid.ok(), valid.ToString());
    const Stats stats = cache_->stats();
    CHECK(stats.memory_used_bytes <= stats.memory_limit_bytes);
    CHECK(stats.handles + stats.pinned_bytes + stats.handle_bytes == 0);
  }

 private:
  static std::string name(uint64_t key) {
    return std::to_string(key / kKeysPerWriter) + ":key:" + std::to_string(key);
  }

  void write(uint64_t writer) {
    Random random(seed_ * 31 + writer);
    std::array<uint64_t, kKeysPerWriter> versions{};
    while (!is_over_) {
      const uint64_t slot = random.one_in(3) ? random.below(8) : random.below(kKeysPerWriter);
      const uint64_t key = writer * kKeysPerWriter + slot;
      const uint64_t version = ++versions[slot];
      if (random.one_in(10)) {
        (void)cache_->erase(name(key));
        // Nothing up to and including the erased version may come back.
        histories_[key].acknowledged = version;
        continue;
      }
      const size_t bytes = random.one_in(30) ? random.below(filling_bytes_max_) : random.below(400);
      SetOptions options;
      if (random.one_in(8)) options.expiry = std::chrono::milliseconds(random.below(30));
      if (random.one_in(8)) options.flags = 77;
      if (cache_->set(name(key), make_value(key, version, bytes), options) != StoreResult::kStored) ++refused_;
      histories_[key].acknowledged = version;
      if (random.one_in(20)) (void)larder::invalidate(*cache_, name(key));
      if (random.one_in(10)) (void)cache_->touch(name(key), std::chrono::milliseconds(random.below(50)));
    }
  }

  struct Held {
    uint64_t key = 0;
    Handle handle;
  };

  void read(uint64_t reader) {
    Random random(seed_ * 37 + reader);
    std::string value;
    std::array<Held, 8> held;
    while (!is_over_) {
      const uint64_t key = any_key(random);
      const uint64_t acknowledged = histories_[key].acknowledged;
      if (random.one_in(40)) {
        read_many(random);
      } else if (random.one_in(20)) {
        // Wins items and begins records of accesses, so that records change under the other readers.
        const ReadOptions options{.recache = std::chrono::milliseconds(10), .wants_history = random.one_in(2)};
        larder::read(*cache_, name(key), options,
                     [&](const Reading& reading) { check(key, acknowledged, reading.item.value); });
      } else if (random.one_in(20)) {
        Held& place = held[random.below(held.size())];
        if (place.handle) check(place.key, 0, place.handle->value);
        place = {.key = key, .handle = cache_->hold(name(key))};
        if (place.handle) check(key, acknowledged, place.handle->value);
        // Copies of many long values would leave no room for what is stored.
        if (place.handle.is_copy() && place.handle->value.size() > kCopyBytesKept) place.handle.release();
      } else if (random.one_in(2)) {
        if (cache_->get(name(key), value)) check(key, acknowledged, value);
      } else {
        cache_->visit(name(key), [&](const ItemView& item) {
          check(key, acknowledged, item.value);
          // Pinned: it must still be the same after others have run.
          if (random.one_in(50)) std::this_thread::yield();
          check(key, acknowledged, item.value);
        });
      }
    }
  }

  static uint64_t any_key(Random& random) {
    const uint64_t slot = random.one_in(2) ? random.below(8) : random.below(kKeysPerWriter);
    return random.below(kWriters) * kKeysPerWriter + slot;
  }

  void read_many(Random& random) {
    std::array<uint64_t, 40> keys{};
    std::array<uint64_t, 40> acknowledged{};
    std::array<std::string, 40> names;
    for (size_t i = 0; i < keys.size(); ++i) {
      keys[i] = any_key(random);
      names[i] = name(keys[i]);
      acknowledged[i] = histories_[keys[i]].acknowledged;
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    cache_->get_multi(views, [&](size_t i, const ItemView& item) { check(keys[i], acknowledged[i], item.value); });
  }

  void check(uint64_t key, uint64_t acknowledged, std::string_view value) {
    ++hits_;
    Header header{};
    if (value.size() < sizeof header) {
      ++torn_;
      return;
    }
    std::memcpy(&header, value.data(), sizeof header);
    if (header.checksum != checksum_of(header.key, header.version, value.substr(sizeof header))) ++torn_;
    if (header.key != key) ++foreign_;
    if (header.version < acknowledged) ++old_;
  }

  // What touches everything: flushes, changes of the limit, walks, statistics.
  void administrate() {
    Random random(seed_ * 41);
    const size_t limit = cache_->stats().memory_limit_bytes;
    uint64_t evictions_at_flush = 0;
    while (!is_over_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      switch (random.below(25)) {
        case 0:
          // Not before memory was short again, or a slow machine would never fill it.
          if (const uint64_t evictions = cache_->stats().evictions; evictions > evictions_at_flush) {
            evictions_at_flush = evictions;
            if (random.one_in(2)) {
              cache_->flush_all(std::chrono::milliseconds(random.below(3)));
            } else {
              (void)cache_->flush_namespace(random.one_in(2) ? "1:" : "2:");
            }
          }
          break;
        case 1:
          (void)cache_->set_memory_limit(limit * (1 + random.below(3)));
          (void)cache_->set_memory_limit(limit);
          break;
        case 2:
          cache_->for_each([&](const ItemView& item) {
            Header header{};
            std::memcpy(&header, item.value.data(), sizeof header);
            if (name(header.key) != item.key) ++foreign_;
            return true;
          });
          break;
        case 3:
          (void)cache_->maintain();
          break;
        case 4:
          CHECK(namespace_miss_ratio_curves(*cache_).size() == 3);
          CHECK(hot_keys(*cache_, 10).size() <= 10);
          // Of so many, some are among the few whose removals are logged.
          for (int i = 0; i < 2000; ++i) {
            const Explanation told = cache_->explain(name(random.below(kWriters * kKeysPerWriter)));
            // Nothing of it may lie before the cache was made, but for what is noted to a sixteenth.
            const auto elapsed_s = static_cast<uint64_t>(
                std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - begin_).count());
            const uint64_t told_s = uint64_t{told.gone_s.value_or(0)} + told.lived_s.value_or(0);
            CHECK(told_s <= elapsed_s + elapsed_s / 15 + 1);
          }
          break;
        default:
          (void)cache_->stats();
      }
    }
  }

  const size_t filling_bytes_max_;
  const uint64_t seed_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::unique_ptr<Cache> cache_;
  std::vector<History> histories_;
  std::atomic<bool> is_over_{false};
  std::atomic<uint64_t> hits_{0}, torn_{0}, foreign_{0}, old_{0}, refused_{0};
};

std::chrono::milliseconds duration() {
  return std::chrono::seconds(5 * static_cast<int64_t>(rounds_of_this_run()));
}

TEST_CASE("readers of small values see whole, right and current values only") {
  Stress(1 << 20, 2'000, seed_of_this_run()).run(duration());
}

TEST_CASE("readers of values of all sizes see whole, right and current values only") {
  Stress(4 << 20, 900'000, seed_of_this_run()).run(duration());
}

TEST_CASE("readers of a cache with segments of 2 MiB see whole, right and current values only") {
  Stress(300 << 20, 900'000, seed_of_this_run(), 260 << 20).run(duration());
}

}  // namespace
}  // namespace larder::model
