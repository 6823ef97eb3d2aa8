#include "larder/internal/hot_keys/sample_ring.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("what is pushed comes out in order, also binary and empty-looking keys") {
  SampleRing ring;
  const std::vector<std::string> keys = {"a", std::string("\0\n\r \xff", 5), std::string(250, 'x'), "last"};
  for (size_t i = 0; i < keys.size(); ++i) {
    REQUIRE(ring.push({.bytes = keys[i], .hash = i}, i % 2 == 0 ? RequestKind::kRead : RequestKind::kWrite));
  }
  CHECK_FALSE(ring.is_empty());
  size_t next = 0;
  ring.empty([&](const SampledRequest& request) {
    REQUIRE(next < keys.size());
    CHECK(request.key == keys[next]);
    CHECK(request.key_bytes == keys[next].size());
    CHECK(request.hash == next);
    CHECK(request.kind == (next % 2 == 0 ? RequestKind::kRead : RequestKind::kWrite));
    ++next;
  });
  CHECK(next == keys.size());
  CHECK(ring.is_empty());
}

TEST_CASE("of a long key the first 250 bytes are kept, and its length") {
  SampleRing ring;
  for (const size_t bytes : {size_t{250}, size_t{251}, kKeyBytesMax}) {
    const std::string key = std::string(250, 'k') + std::string(bytes - 250, 'l');
    REQUIRE(ring.push({.bytes = key, .hash = 1}, RequestKind::kRead));
    ring.empty([&](const SampledRequest& request) {
      CHECK(request.key == std::string(250, 'k'));
      CHECK(request.key_bytes == bytes);
    });
  }
}

TEST_CASE("what has no room is refused, and half of the room is left when it should be emptied") {
  SampleRing ring;
  const std::string key(20, 'k');
  int pushed = 0;
  int until_half = 0;
  while (ring.push({.bytes = key, .hash = 1}, RequestKind::kRead)) {
    ++pushed;
    if (!ring.should_be_emptied()) until_half = pushed;
  }
  CHECK(until_half > 10);
  CHECK(pushed >= 2 * until_half);
  CHECK(pushed <= 2 * until_half + 2);
  int seen = 0;
  ring.empty([&](const SampledRequest&) { ++seen; });
  CHECK(seen == pushed);
  CHECK(ring.push({.bytes = key, .hash = 1}, RequestKind::kRead));
}

TEST_CASE("gaps are random, from none to twice the mean, and the same for the same seed") {
  SampleRing ring;
  SampleRing same;
  CHECK_FALSE(ring.is_seeded());
  ring.seed(7);
  same.seed(7);
  CHECK(ring.is_seeded());
  for (const uint32_t mean : {8u, 128u}) {
    std::set<uint32_t> gaps;
    double sum = 0;
    constexpr int kGaps = 10'000;
    for (int i = 0; i < kGaps; ++i) {
      const uint32_t gap = ring.next_gap(mean);
      REQUIRE(gap == same.next_gap(mean));
      gaps.insert(gap);
      sum += gap + 1;
    }
    CHECK(*gaps.begin() == 0);
    CHECK(*gaps.rbegin() == 2 * mean - 1);
    CHECK(gaps.size() == 2 * mean);
    CHECK(sum / kGaps == doctest::Approx(mean + 0.5).epsilon(0.03));
  }
}

}  // namespace
}  // namespace larder::internal
