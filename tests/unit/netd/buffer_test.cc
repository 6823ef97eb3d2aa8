#include "netd/buffer.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "larder/cache.h"
#include "larder/serving.h"
#include "netd/reply_writer.h"

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

// A cache with long values, and an outlet that keeps them there.
struct Shelf {
  Shelf() {
    REQUIRE(cache->set("a", a) == larder::StoreResult::kStored);
    REQUIRE(cache->set("b", b) == larder::StoreResult::kStored);
  }
  Buffer::Outlet outlet() {
    return {.keep = [this](const larder::ItemView& item) { return larder::keep(*cache, item); },
            .send = [](const Buffer::Pieces&) -> size_t { return 0; }};
  }
  void append(std::string_view key, Buffer& buffer) {
    cache->visit(key, [&](const larder::ItemView& item) {
      CHECK(append_with_value(buffer, 1, item, [](ReplyWriter& to) { to.text("<"); }));
    });
  }
  uint64_t handles() { return cache->stats().handles; }

  const std::string a = fmt::format("{}$", std::string(Buffer::kLongBytesMin - 1, 'a'));
  const std::string b = fmt::format("{}$", std::string(2 * Buffer::kLongBytesMin, 'b'));
  std::unique_ptr<larder::Cache> cache = *larder::Cache::create();
};

std::string joined(const Buffer& buffer) {
  std::string joined;
  for (const std::string_view piece : buffer.pieces()) joined += piece;
  return joined;
}

TEST_CASE("a long value that can be held stays where it is until it is consumed, however it is consumed") {
  Shelf shelf;
  const std::string whole = "front<" + shelf.a + "\r\nbehind";
  for (const size_t step : {size_t{1}, size_t{5}, size_t{6}, size_t{7}, whole.size()}) {
    Memory memory;
    BufferPool pool(memory.charge());
    Buffer buffer(pool);
    buffer.set_outlet(shelf.outlet());
    buffer.append("..front");
    buffer.consume(2);
    shelf.append("a", buffer);
    buffer.append("behind");
    CHECK(buffer.holds_value());
    CHECK(buffer.size() == whole.size());
    CHECK(buffer.content() == "front<\r\nbehind");
    CHECK(buffer.capacity() == BufferPool::kBlockBytes);
    CHECK(shelf.handles() == 1);
    std::string consumed;
    while (!buffer.empty()) {
      const std::string rest = joined(buffer);
      // In small steps near both ends of the value, and over its middle in one.
      constexpr size_t kNear = 20;
      const bool is_near = consumed.size() < kNear || rest.size() <= kNear;
      const size_t bytes = is_near ? std::min(step, rest.size()) : rest.size() - kNear;
      consumed += rest.substr(0, bytes);
      buffer.consume(bytes);
      REQUIRE((joined(buffer) == rest.substr(bytes)));
      REQUIRE(buffer.holds_value() == (consumed.size() < std::string("front<").size() + shelf.a.size()));
      REQUIRE(shelf.handles() == (buffer.holds_value() ? 1 : 0));
    }
    CHECK((consumed == whole));
  }
}

TEST_CASE("a held value stays in its place while what is behind it grows and is moved") {
  Shelf shelf;
  Memory memory;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  buffer.set_outlet(shelf.outlet());
  buffer.append("..front");
  buffer.consume(2);
  shelf.append("a", buffer);
  std::string whole = "front<" + shelf.a + "\r\n";
  for (int i = 0; i < 20'000; ++i) {
    buffer.append(std::to_string(i));
    whole += std::to_string(i);
  }
  CHECK((joined(buffer) == whole));
  buffer.release();
  CHECK(buffer.empty());
  CHECK(shelf.handles() == 0);
}

TEST_CASE("beside a held value, and while everything is collected, long ones are copied") {
  Shelf shelf;
  Memory memory;
  BufferPool pool(memory.charge());
  {
    Buffer buffer(pool);
    buffer.set_outlet(shelf.outlet());
    shelf.append("a", buffer);
    shelf.append("b", buffer);
    shelf.append("a", buffer);
    CHECK((joined(buffer) == "<" + shelf.a + "\r\n<" + shelf.b + "\r\n<" + shelf.a + "\r\n"));
    CHECK(shelf.handles() == 1);
  }
  CHECK(shelf.handles() == 0);
  Buffer buffer(pool);
  buffer.set_outlet(shelf.outlet());
  buffer.set_collecting(true);
  shelf.append("a", buffer);
  CHECK((buffer.content() == "<" + shelf.a + "\r\n"));
  buffer.set_collecting(false);
  shelf.append("b", buffer);
  CHECK(buffer.holds_value());
}

TEST_CASE("without memory for what surrounds it no value is held") {
  Shelf shelf;
  Memory memory;
  memory.bytes_max = 0;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  buffer.set_outlet(shelf.outlet());
  shelf.cache->visit("a", [&](const larder::ItemView& item) {
    CHECK_FALSE(append_with_value(buffer, 1, item, [](ReplyWriter& to) { to.text("<"); }));
  });
  CHECK(shelf.handles() == 0);
}

TEST_CASE("of a long value that cannot be held only what the outlet does not take is copied, and nothing is lost") {
  const std::string text(Buffer::kLongBytesMin, 't');
  const std::string whole = "head " + text;
  for (const size_t taken : {size_t{0}, size_t{3}, size_t{5}, size_t{100}, whole.size()}) {
    Memory memory;
    BufferPool pool(memory.charge());
    Buffer buffer(pool);
    std::string sent;
    buffer.set_outlet({.keep = [](const larder::ItemView&) { return larder::Handle(); },
                       .send =
                           [&](const Buffer::Pieces& pieces) {
                             for (const std::string_view piece : pieces) sent += piece;
                             sent.resize(taken);
                             return taken;
                           }});
    buffer.append("head ");
    buffer.append_value(text, {});
    CHECK(sent.size() == taken);
    CHECK(buffer.size() == whole.size() - taken);
    CHECK(sent + std::string(buffer.content()) == whole);
  }
}

TEST_CASE("a value that is not long, or has no outlet, is not for an outlet") {
  Memory memory;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  const std::string value(Buffer::kLongBytesMin, 'v');
  CHECK_FALSE(buffer.is_for_outlet(value));
  buffer.set_outlet({.keep = [](const larder::ItemView&) { return larder::Handle(); }, .send = {}});
  CHECK(buffer.is_for_outlet(value));
  CHECK_FALSE(buffer.is_for_outlet(std::string_view(value).substr(1)));
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

TEST_CASE("room for a large value is made in one step of just that size, or in whole pages if the pool may keep it") {
  Memory memory;
  BufferPool pool(memory.charge());
  Buffer buffer(pool);
  buffer.append("set a 0 0 1000000\r\n");
  REQUIRE(buffer.try_reserve(1000002));
  CHECK(buffer.capacity() == buffer.size() + 1000002);

  BufferPool large_pool(memory.charge(), 2 << 20);
  Buffer kept(large_pool);
  kept.append("set a 0 0 1000000\r\n");
  REQUIRE(kept.try_reserve(1000002));
  CHECK(kept.capacity() >= kept.size() + 1000002);
  CHECK(kept.capacity() < kept.size() + 1000002 + BufferPool::kPageBytes);
  CHECK((kept.capacity() + BufferPool::kOverheadBytes) % BufferPool::kPageBytes == 0);
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
  CHECK(memory.bytes <= static_cast<int64_t>(BufferPool::kKeptBytesMin));
}

TEST_CASE("a pool that may keep a large block gives it to the next who needs one, and not to who needs little") {
  Memory memory;
  BufferPool pool(memory.charge(), 2 << 20);
  Block large = pool.take(1 << 20);
  Block ordinary = pool.take(1);
  const char* const data = large.data.get();
  pool.give(std::move(ordinary));
  pool.give(std::move(large));
  const int64_t bytes = memory.bytes;
  Block small = pool.take(1);
  CHECK(small.capacity == BufferPool::kBlockBytes);
  Block next = pool.take(1 << 20);
  CHECK(next.data.get() == data);
  CHECK(memory.bytes == bytes);
  pool.give(std::move(small));
  pool.give(std::move(next));
}

TEST_CASE("a pool that is full keeps what was given back last") {
  Memory memory;
  BufferPool pool(memory.charge());
  constexpr size_t kLongBytes = 70'000;
  std::vector<Block> ordinary;
  for (size_t bytes = 0; bytes < 2 * BufferPool::kKeptBytesMin; bytes += BufferPool::kBlockBytes) {
    ordinary.push_back(pool.take(1));
  }
  for (Block& block : ordinary) pool.give(std::move(block));
  for (int i = 0; i < 3; ++i) {
    Block block = pool.take(kLongBytes - i);
    const char* const data = block.data.get();
    pool.give(std::move(block));
    Block next = pool.take(kLongBytes - 10);
    CHECK(next.data.get() == data);
    pool.give(std::move(next));
    CHECK(memory.bytes <= static_cast<int64_t>(BufferPool::kKeptBytesMin));
  }
}

TEST_CASE("what nobody has needed between two looks at it is given back, but for a little") {
  Memory memory;
  BufferPool pool(memory.charge(), 2 << 20);
  pool.give(pool.take(1 << 20));
  // It has been needed since the pool was made, and since the last look.
  CHECK(pool.trim_unused());
  pool.give(pool.take(1 << 20));
  CHECK(pool.trim_unused());
  CHECK(memory.bytes >= 1 << 20);
  CHECK(memory.bytes <= static_cast<int64_t>((1 << 20) + BufferPool::kPageBytes));
  CHECK_FALSE(pool.trim_unused());
  CHECK(memory.bytes == 0);
  for (int i = 0; i < 3; ++i) {
    Block first = pool.take(1);
    Block second = pool.take(1);
    pool.give(std::move(first));
    pool.give(std::move(second));
    CHECK_FALSE(pool.trim_unused());
  }
  CHECK(memory.bytes == 2 * static_cast<int64_t>(BufferPool::kBlockBytes));
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

TEST_CASE("to trim gives back what is more than half of the memory, if there is some for the content to move to") {
  struct Row {
    size_t content_bytes;
    size_t trimmed_bytes;
  };
  constexpr size_t kSixPages = 6 * BufferPool::kPageBytes - BufferPool::kOverheadBytes;
  for (const Row row : {Row{2049, 4 << 10}, Row{6 << 10, 6 << 10}, Row{9 << 10, BufferPool::kBlockBytes},
                        Row{20 << 10, kSixPages}, Row{70'000, 3 * kSixPages + 2 * BufferPool::kOverheadBytes}}) {
    CAPTURE(row.content_bytes);
    Memory memory;
    BufferPool pool(memory.charge());
    Buffer buffer(pool);
    const std::string text(row.content_bytes, 't');
    buffer.append(text);
    REQUIRE(buffer.try_reserve(row.content_bytes > BufferPool::kBlockBytes ? 7 * row.content_bytes : 1));
    buffer.trim();
    CHECK(buffer.capacity() == row.trimmed_bytes);
    CHECK((buffer.content() == text));
    memory.bytes_max = memory.bytes;
    buffer.consume(row.content_bytes - 1);
    const size_t bytes = buffer.capacity();
    buffer.trim();
    CHECK(buffer.capacity() == bytes);
    CHECK(buffer.content() == "t");
    buffer.consume(1);
    buffer.trim();
    CHECK(buffer.capacity() == 0);
  }
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
