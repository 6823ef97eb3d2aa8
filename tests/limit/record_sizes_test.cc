// Values on both sides of every size at which the engine does something else, in caches of every size of segment.
// Two layers must agree about each of these sizes; where they did not, a value came back with another length and
// other items' bytes (tests/issue/largest_record_test.cc, and again with segments of 2 MiB).
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

constexpr size_t kKiB = size_t{1} << 10;
constexpr size_t kMiB = size_t{1} << 20;

// As much as the fields of a record can take besides key and value, and a bit.
constexpr size_t kFieldsBytesMax = 48;
constexpr size_t kLongBytes = 4 * kMiB;

// Every value tells its place in the order of stores, so that another one of the same length is not taken for it.
std::string make_value(size_t bytes, uint64_t number) {
  std::string value(bytes, static_cast<char>('a' + number % 26));
  const std::string mark = std::to_string(number);
  if (bytes >= 2 * mark.size()) {
    value.replace(0, mark.size(), mark);
    value.replace(bytes - mark.size(), mark.size(), mark);
  }
  return value;
}

class Sizes {
 public:
  explicit Sizes(size_t limit_bytes) {
    Options options;
    options.memory_limit_bytes = limit_bytes;
    options.item_bytes_max = limit_bytes / 4;
    options.seed = 1;
    cache_ = *Cache::create(options);
    item_bytes_max_ = options.item_bytes_max;
  }

  // The sizes of records at which something changes.
  [[nodiscard]] std::vector<size_t> boundaries() const {
    const size_t limit = cache_->stats().memory_limit_bytes;
    std::vector<size_t> all = {
        8 * kKiB,                           // longer ones are pinned to be shown, not copied
        64 * kKiB,                          // what a step of cleaning covers
        cache_->stats().segment_bytes / 4,  // longer ones are large items
        size_t{65'535} * 8,                 // the longest room that the format of short records can say
        cache_->stats().segment_bytes,      // from here on a large item takes several frames
        limit / 10,                         // larger ones are oversized
    };
    // At low limits no item is as long as some of these.
    std::erase_if(all, [this](size_t bytes) { return bytes > item_bytes_max_; });
    return all;
  }

  // Stores values whose records are about as long as that, under keys of both forms of the key's size.
  void check_around(size_t record_bytes) {
    CAPTURE(record_bytes);
    if (record_bytes > kLongBytes) {
      // Of long values only as many as there is time for: on both sides of the boundary itself, of a page, and of
      // the lead of a large item's record.
      for (const size_t less : {4096 + 64, 4096 - 64, 136, 64, 56, 48, 40, 32, 24}) check(10, record_bytes - less);
    } else {
      for (const size_t key_bytes : {size_t{10}, size_t{255}, size_t{256}}) {
        const size_t longest = record_bytes - key_bytes;
        for (size_t bytes = longest - kFieldsBytesMax; bytes <= longest; ++bytes) check(key_bytes, bytes);
      }
    }
    check_valid();
  }

  // Stores values around the longest that is allowed.
  void check_longest() {
    for (const size_t bytes : {item_bytes_max_ - 1, item_bytes_max_}) check(300, bytes);
    CHECK(cache_->set("key", std::string(item_bytes_max_ + 1, 'v')) == StoreResult::kTooLarge);
    check_valid();
  }

 private:
  void check(size_t key_bytes, size_t bytes) {
    CAPTURE(key_bytes);
    CAPTURE(bytes);
    const std::string key = std::string(key_bytes - 1, 'k') + static_cast<char>('0' + ++count_ % 3);
    const SetOptions options = {.flags = count_ % 2 == 0 ? 7u : 0u,
                                .expiry = count_ % 5 == 0 ? Expiry(std::chrono::hours(1)) : Expiry::never()};
    const std::string before = make_value(100, 2 * count_);
    const std::string after = make_value(200, 2 * count_ + 1);
    REQUIRE(cache_->set("before", before) == StoreResult::kStored);
    std::string value = make_value(bytes, count_);
    REQUIRE(cache_->set(key, value, options) == StoreResult::kStored);
    REQUIRE(cache_->set("after", after) == StoreResult::kStored);
    check_reads(key, value);
    // Over the boundary and back, in place or not. The room for the longer one may cost the item itself.
    const std::string longer = value + "123456789";
    if (cache_->append(key, "123456789") == StoreResult::kStored) {
      check_reads(key, longer);
    } else {
      REQUIRE((longer.size() > item_bytes_max_ || cache_->stats().evictions > 0));
    }
    REQUIRE(cache_->set(key, value) == StoreResult::kStored);
    check_reads(key, value);
    if (cache_->stats().evictions > 0) return;
    REQUIRE(cache_->peek("before")->value == before);
    REQUIRE(cache_->peek("after")->value == after);
  }

  void check_reads(const std::string& key, const std::string& value) {
    REQUIRE(cache_->get(key, read_));
    REQUIRE(is_same(read_, value));
    REQUIRE(cache_->visit(key, [&](const ItemView& item) { REQUIRE(is_same(item.value, value)); }));
    const std::vector<std::string_view> keys = {"before", key, "after"};
    cache_->get_multi(keys, [&](size_t i, const ItemView& item) {
      if (i == 1) REQUIRE(is_same(item.value, value));
    });
    const Handle handle = cache_->hold(key);
    REQUIRE(handle);
    REQUIRE(is_same(handle->value, value));
  }

  void check_valid() {
    const absl::Status valid = assert_valid(*cache_);
    CHECK_MESSAGE(valid.ok(), valid.ToString());
  }

  // Not by doctest, which would print megabytes.
  static bool is_same(std::string_view a, std::string_view b) { return a == b; }

  std::unique_ptr<Cache> cache_;
  size_t item_bytes_max_ = 0;
  uint64_t count_ = 0;
  std::string read_;
};

TEST_CASE("values on both sides of every boundary come back as they were, whatever the size of segments") {
  for (const size_t limit_mib : {1, 4, 16, 64, 255, 256, 300, 1024}) {
    CAPTURE(limit_mib);
    Sizes sizes(limit_mib * kMiB);
    for (const size_t record_bytes : sizes.boundaries()) sizes.check_around(record_bytes);
    sizes.check_longest();
  }
}

}  // namespace
}  // namespace larder
