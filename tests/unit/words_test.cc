#include "larder/internal/words.h"

#include <array>
#include <cstring>
#include <string>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

// Memory with a different octet at each place.
struct Memory {
  Memory() {
    for (size_t i = 0; i < sizeof words; ++i) at()[i] = static_cast<std::byte>(i * 7 + 1);
  }
  [[nodiscard]] std::byte* at() { return reinterpret_cast<std::byte*>(words.data()); }
  [[nodiscard]] std::string octets(size_t offset, size_t bytes) {
    return {reinterpret_cast<char*>(at()) + offset, bytes};
  }

  std::array<uint64_t, 12> words{};
};

TEST_CASE("octets are copied from any place, in any number") {
  Memory memory;
  for (size_t offset = 0; offset < 24; ++offset) {
    for (size_t bytes = 0; bytes <= 56; ++bytes) {
      std::string copy(bytes + 1, '#');
      load_octets(memory.at(), offset, copy.data(), bytes);
      CHECK(copy == memory.octets(offset, bytes) + '#');
    }
  }
}

TEST_CASE("octets are compared at any place, in any number") {
  Memory memory;
  for (size_t offset = 0; offset < 24; ++offset) {
    for (size_t bytes = 0; bytes <= 56; ++bytes) {
      std::string octets = memory.octets(offset, bytes);
      CHECK(are_octets(memory.at(), offset, octets.data(), bytes));
      for (char& octet : octets) {
        octet ^= 1;
        CHECK_FALSE(are_octets(memory.at(), offset, octets.data(), bytes));
        octet ^= 1;
      }
    }
  }
}

TEST_CASE("octets are stored at any place, and none beside them") {
  for (size_t offset = 0; offset < 24; ++offset) {
    for (size_t bytes = 0; bytes <= 40; ++bytes) {
      Memory memory;
      std::string expected = memory.octets(0, sizeof memory.words);
      const std::string stored(bytes, '#');
      expected.replace(offset, bytes, stored);
      store_octets(memory.at() + offset, stored.data(), bytes);
      CHECK(memory.octets(0, sizeof memory.words) == expected);
    }
  }
}

}  // namespace
}  // namespace larder::internal
