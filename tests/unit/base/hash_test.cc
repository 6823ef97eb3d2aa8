#include "larder/internal/base/hash.h"

#include <initializer_list>
#include <set>
#include <string>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("the same key and seed give the same hash") {
  CHECK(hash_key("key", 1) == hash_key(std::string("key"), 1));
  CHECK(hash_key("", 1) == hash_key("", 1));
}

TEST_CASE("another seed gives another hash, for short and long keys") {
  for (const size_t size : {1, 3, 4, 8, 9, 16, 17, 128, 129, 240, 241, 1024, 65535}) {
    const std::string key(size, 'x');
    CHECK(hash_key(key, 1) != hash_key(key, 2));
  }
}

TEST_CASE("all bytes of a key count, zeros too") {
  using namespace std::string_view_literals;
  CHECK(hash_key("a\0b"sv, 1) != hash_key("a\0c"sv, 1));
  CHECK(hash_key("a\0"sv, 1) != hash_key("a"sv, 1));
  CHECK(hash_key("\0\0"sv, 1) != hash_key("\0"sv, 1));
}

TEST_CASE("many keys have as many hashes") {
  std::set<uint64_t> hashes;
  for (int i = 0; i < 10'000; ++i) hashes.insert(hash_key("key" + std::to_string(i), 42));
  CHECK(hashes.size() == 10'000);
}

TEST_CASE("the top bits are cut off from above") {
  static_assert(top_bits(0xfedc'ba98'7654'3210, 0) == 0);
  static_assert(top_bits(0xfedc'ba98'7654'3210, 1) == 1);
  static_assert(top_bits(0xfedc'ba98'7654'3210, 8) == 0xfe);
  static_assert(top_bits(0xfedc'ba98'7654'3210, 32) == 0xfedc'ba98);
}

TEST_CASE("the fingerprint is the lower half, which the top bits have no part in") {
  static_assert(fingerprint(0xfedc'ba98'7654'3210) == 0x7654'3210);
}

}  // namespace
}  // namespace larder::internal
