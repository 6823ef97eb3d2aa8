#include "larder/internal/base/atomic_copy.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

// More than are handled without a loop.
constexpr size_t kBytesMax = 200;

// Memory with another byte at each place than near it.
struct Memory {
  Memory() {
    for (size_t i = 0; i < sizeof words; ++i) at()[i] = static_cast<std::byte>(i * 7 + 1);
  }
  [[nodiscard]] std::byte* at() { return reinterpret_cast<std::byte*>(words.data()); }
  [[nodiscard]] std::string bytes(size_t offset, size_t bytes) {
    return {reinterpret_cast<char*>(at()) + offset, bytes};
  }

  std::array<uint64_t, 30> words{};
};

TEST_CASE("bytes are copied from any place, in any number") {
  Memory memory;
  for (size_t offset = 0; offset < 24; ++offset) {
    for (size_t bytes = 0; bytes <= kBytesMax; ++bytes) {
      std::string copy(bytes + 1, '#');
      load_bytes(memory.at(), offset, copy.data(), bytes);
      CHECK(copy == memory.bytes(offset, bytes) + '#');
    }
  }
}

TEST_CASE("nothing is read in front of what is copied, nor more than a word behind it, nor that by long pieces") {
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* const pages = mmap(nullptr, 3 * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  auto* const page = static_cast<std::byte*>(pages) + page_bytes;
  REQUIRE(mprotect(page, page_bytes, PROT_READ | PROT_WRITE) == 0);
  std::string copy(kBytesMax, '#');
  for (size_t bytes = 1; bytes <= kBytesMax; ++bytes) {
    load_bytes(page, 0, copy.data(), bytes);
    const size_t room = round_up(bytes, kWordBytes) + kWordBytes;
    load_bytes(page + page_bytes - room, room - kWordBytes - bytes, copy.data(), bytes);
#ifdef LARDER_LONG_PIECES
    if (bytes >= sizeof(LongPiece)) load_bytes(page + page_bytes - room, room - bytes, copy.data(), bytes);
#endif
  }
  CHECK(copy == std::string(kBytesMax, '\0'));
  munmap(pages, 3 * page_bytes);
}

TEST_CASE("bytes are compared at any place, in any number") {
  Memory memory;
  for (size_t offset = 0; offset < 24; ++offset) {
    for (size_t bytes = 0; bytes <= kBytesMax; ++bytes) {
      std::string text = memory.bytes(offset, bytes);
      CHECK(are_bytes(memory.at(), offset, text.data(), bytes));
      for (char& byte : text) {
        byte ^= 1;
        CHECK_FALSE(are_bytes(memory.at(), offset, text.data(), bytes));
        byte ^= 1;
      }
    }
  }
}

TEST_CASE("bytes are written at any place, and none beside them") {
  for (size_t offset = 0; offset < 24; ++offset) {
    for (size_t bytes = 0; bytes <= 40; ++bytes) {
      for (size_t number_bytes = 0; number_bytes <= kWordBytes; ++number_bytes) {
        Memory memory;
        std::string expected = memory.bytes(0, sizeof memory.words);
        const std::string piece(bytes, '#');
        expected.replace(offset, number_bytes + bytes, std::string("abcdefgh").substr(0, number_bytes) + piece);
        ByteWriter writer(memory.at() + offset);
        writer.put_low(0x68'67'66'65'64'63'62'61, number_bytes);
        writer.put(piece.data(), bytes);
        writer.finish();
        CHECK(memory.bytes(0, sizeof memory.words) == expected);
      }
    }
  }
}

TEST_CASE("an empty piece without an address changes nothing") {
  std::array<uint64_t, 2> words{};
  ByteWriter writer(reinterpret_cast<std::byte*>(words.data()) + 3);
  writer.put(std::string_view().data(), 0);
  writer.put("ab", 2);
  writer.finish();
  CHECK(std::string_view(reinterpret_cast<const char*>(words.data()), 6) == std::string_view("\0\0\0ab", 6));
}

TEST_CASE("pieces of any length are written, whatever fits in a buffer") {
  constexpr size_t kWords = 400;
  for (const size_t bytes : {511, 512, 513, 1023, 1024, 1500}) {
    for (size_t offset = 0; offset < kWordBytes; ++offset) {
      std::array<uint64_t, kWords> words{};
      auto* const at = reinterpret_cast<std::byte*>(words.data());
      std::string piece(bytes, '\0');
      for (size_t i = 0; i < bytes; ++i) piece[i] = static_cast<char>(i * 7 + 1);
      ByteWriter writer(at + offset);
      writer.put(piece.data(), bytes);
      writer.put_low(0x64'63'62'61, 4);
      writer.put(piece.data(), bytes);
      writer.finish();
      std::string expected(kWords * kWordBytes, '\0');
      expected.replace(offset, 2 * bytes + 4, piece + "abcd" + piece);
      CHECK(std::string(reinterpret_cast<char*>(at), expected.size()) == expected);
    }
  }
}

}  // namespace
}  // namespace larder::internal
