#include "netd/buffer.h"

#include <doctest/doctest.h>

#include <new>
#include <string>

namespace netd {
namespace {

// Counts what pools take, up to a limit.
struct Memory {
  int64_t bytes = 0;
  int64_t bytes_max = 1 << 30;
  BufferPool::Charge charge() {
    return [this](int64_t change) {
      if (bytes + change > bytes_max) return false;
      bytes += change;
      return true;
    };
  }
};

TEST_CASE("what is appended is consumed in order") {
  Memory memory;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  buffer.append("hello ");
  buffer.append("world");
  CHECK(buffer.content() == "hello world");
  buffer.consume(6);
  CHECK(buffer.content() == "world");
  buffer.consume(5);
  CHECK(buffer.empty());
}

TEST_CASE("of a long text only what the outlet does not take is kept, and nothing is lost") {
  const std::string text(Buffer::kLongBytesMin, 't');
  const std::string whole = "head " + text;
  for (const size_t taken : {size_t{0}, size_t{3}, size_t{5}, size_t{100}, whole.size()}) {
    Memory memory;
    BufferPool pool(memory.charge());
    Buffer buffer(pool);
    std::string sent;
    buffer.set_outlet([&](std::string_view content, std::string_view behind) {
      sent = (std::string(content) + std::string(behind)).substr(0, taken);
      return sent.size();
    });
    buffer.append("head ");
    buffer.append_or_send(text);
    CHECK(sent.size() == taken);
    CHECK(buffer.size() == whole.size() - taken);
    CHECK(sent + std::string(buffer.content()) == whole);
  }
}

TEST_CASE("a text that is not long, or has no outlet, is appended whole") {
  Memory memory;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  buffer.append_or_send(std::string(Buffer::kLongBytesMin, 't'));
  CHECK(buffer.size() == Buffer::kLongBytesMin);
  buffer.set_outlet([](std::string_view, std::string_view) -> size_t { throw std::bad_alloc(); });
  buffer.append_or_send(std::string(Buffer::kLongBytesMin - 1, 't'));
  CHECK(buffer.size() == 2 * Buffer::kLongBytesMin - 1);
}

TEST_CASE("content survives growing and moving to the front") {
  Memory memory;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  std::string expected;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = std::to_string(i) + ",";
    buffer.append(text);
    expected += text;
    if (i % 3 == 2) {
      buffer.consume(4);
      expected.erase(0, 4);
    }
  }
  CHECK((buffer.content() == expected));  // in brackets, as it is too long to be shown
}

TEST_CASE("room for a large value is made in one step of just that size") {
  Memory memory;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  buffer.append("set a 0 0 1000000\r\n");
  REQUIRE(buffer.try_reserve(1000002));
  CHECK(buffer.capacity() == buffer.size() + 1000002);
}

TEST_CASE("a buffer that is released holds nothing, and the pool keeps little") {
  Memory memory;
  BufferPool pool(memory.charge());
  {
    Buffer first(pool);
    Buffer second(pool);
    first.append("x");
    second.append(std::string(1 << 20, 'x'));
    CHECK(memory.bytes >= (1 << 20));
    first.release();
    second.release();
    CHECK(first.capacity() == 0);
    CHECK(second.capacity() == 0);
  }
  CHECK(memory.bytes <= static_cast<int64_t>(BufferPool::kKeptBytesMax));
}

TEST_CASE("a short content is trimmed to little memory, and survives it and what comes after") {
  for (const size_t bytes : {size_t{1}, Buffer::kTrimmedBytes}) {
    Memory memory;
    BufferPool pool(memory.charge());
    Buffer buffer(pool);
    const std::string text(bytes, 't');
    buffer.append("front" + text);
    buffer.consume(5);
    buffer.trim();
    CHECK(buffer.capacity() == Buffer::kTrimmedBytes);
    CHECK(memory.bytes == static_cast<int64_t>(Buffer::kTrimmedBytes + BufferPool::kBlockBytes));  // one is kept
    CHECK(buffer.content() == text);
    buffer.append(text + text);
    CHECK(buffer.content() == text + text + text);
  }
}

TEST_CASE("a trimmed block is not kept for others") {
  Memory memory;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  buffer.append("x");
  buffer.trim();
  buffer.release();
  CHECK(memory.bytes == static_cast<int64_t>(BufferPool::kBlockBytes));
}

TEST_CASE(
    "to trim leaves a longer content, or one there is no memory to move, where it is, and an empty one nothing") {
  Memory memory;
  memory.bytes_max = BufferPool::kBlockBytes;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  const std::string text(Buffer::kTrimmedBytes + 1, 't');
  buffer.append(text);
  buffer.trim();
  CHECK(buffer.capacity() == BufferPool::kBlockBytes);
  buffer.consume(1);
  buffer.trim();
  CHECK(buffer.content() == text.substr(1));
  buffer.consume(buffer.size());
  buffer.trim();
  CHECK(buffer.capacity() == 0);
}

TEST_CASE("a block given back is the next one taken") {
  Memory memory;
  BufferPool pool(memory.charge());
  Block block = pool.take(1);
  const char* const data = block.data.get();
  pool.give(std::move(block));
  CHECK(pool.take(1).data.get() == data);
}

TEST_CASE("the memory of a pool is given back with it") {
  Memory memory;
  {
    BufferPool pool(memory.charge());
    Buffer buffer(pool);
    buffer.append("x");
  }
  CHECK(memory.bytes == 0);
}

TEST_CASE("without memory nothing changes, and reserve throws") {
  Memory memory;
  memory.bytes_max = 64 << 10;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  buffer.append("kept");
  CHECK_FALSE(buffer.try_reserve(1 << 20));
  CHECK_THROWS_AS(buffer.reserve(1 << 20), std::bad_alloc);
  CHECK(buffer.content() == "kept");
}

}  // namespace
}  // namespace netd
