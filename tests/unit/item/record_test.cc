#include "larder/internal/item/record.h"

#include <algorithm>
#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

constexpr std::byte kCanary{0xc9};

// Room for one record, with bytes behind it that must not change.
class Room {
 public:
  explicit Room(size_t bytes) : bytes_(bytes), words_(bytes / 8 + 1, 0xc9c9'c9c9'c9c9'c9c9) {}

  [[nodiscard]] std::byte* memory() { return reinterpret_cast<std::byte*>(words_.data()); }
  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] bool is_intact_behind() {
    for (size_t i = bytes_; i < bytes_ + 8; ++i) {
      if (memory()[i] != kCanary) return false;
    }
    return true;
  }

 private:
  const size_t bytes_;
  std::vector<uint64_t> words_;
};

std::string pattern(size_t bytes, char first) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(first + static_cast<char>(i % 61));
  return text;
}

bool is_same(const Content& a, const Content& b) {
  return a.value == b.value && a.flags == b.flags && a.deadline_ms == b.deadline_ms && a.cas == b.cas &&
         a.is_cas_whole == b.is_cas_whole && a.marks == b.marks && a.accessed_s == b.accessed_s &&
         a.idle_ms == b.idle_ms && a.end_ms == b.end_ms &&
         std::equal(a.tags, a.tags + Extension::tag_bytes(a.tag_count()), b.tags);
}

constexpr std::byte kTagBytes[Extension::tag_bytes(kTagsMax)] = {std::byte{1}, std::byte{2}, std::byte{3}};
constexpr Marks tags(size_t count) { return static_cast<Marks>(count << kTagCountShift); }

struct Number {
  uint64_t cas;
  bool is_whole;
};

// Every combination of fields, each at the ends of its range; the value is left empty.
std::vector<Content> field_combinations() {
  constexpr uint64_t kCas48Max = (uint64_t{1} << 48) - 1;
  std::vector<Content> contents;
  for (const Number number :
       {Number{0, false}, Number{1, false}, Number{UINT32_MAX, false}, Number{uint64_t{UINT32_MAX} + 1, false},
        Number{kCas48Max, false}, Number{kCas48Max + 1, true}, Number{UINT64_MAX, true}, Number{0, true}}) {
    for (const int64_t deadline_ms : {int64_t{0}, int64_t{1}, kNeverMs - 1, kNeverMs}) {
      for (const uint32_t flags : {0u, 1u, UINT32_MAX}) {
        const Content content{.value = {},
                              .flags = flags,
                              .deadline_ms = deadline_ms,
                              .cas = number.cas,
                              .is_cas_whole = number.is_whole};
        contents.push_back(content);
        contents.push_back(content);
        contents.back().marks = kMarkStale | kMarkWon | kMarkBinaryKey;
        contents.push_back(content);
        contents.back().marks = kMarkTracked;
        contents.back().accessed_s = UINT32_MAX - flags;
        contents.push_back(content);
        contents.back().marks = kMarkIdle | (flags == 1 ? kMarkTracked : Marks{0});
        contents.back().idle_ms = UINT32_MAX - flags;
        contents.back().end_ms = std::max<int64_t>(deadline_ms, 1);
        contents.push_back(contents.back());
        contents.back().marks |= tags(1 + flags % 2 * 3);
        contents.back().tags = kTagBytes;
        contents.push_back(content);
        contents.back().marks = tags(kTagsMax) | kMarkTracked | kMarkStale;
        contents.back().tags = kTagBytes;
      }
    }
  }
  return contents;
}

TEST_CASE("what is put into a record comes out, for all fields, key sizes, value sizes and room to spare") {
  const std::vector<Content> contents = field_combinations();
  for (const size_t key_bytes : {1, 255, 256, 65535}) {
    const std::string key = pattern(key_bytes, 'A');
    for (const size_t value_bytes : {0, 1, 7, 8, 300}) {
      const std::string value = pattern(value_bytes, 'a');
      for (Content content : contents) {
        content.value = value;
        const size_t needed = Record::bytes_needed(key_bytes, content);
        for (const size_t slack : {0, 8, 16, 24, 4096}) {
          CAPTURE(key_bytes);
          CAPTURE(value_bytes);
          CAPTURE(slack);
          Room room(needed + slack);
          const Record record = Record::create(room.memory(), room.bytes(), false, key, content);
          const bool is_right = record.key() == key && is_same(record.content(), content) &&
                                record.live_bytes() == needed && room.is_intact_behind();
          REQUIRE(is_right);
          REQUIRE(Record::room_at(room.memory()) == room.bytes());
        }
      }
    }
  }
}

TEST_CASE("a small record takes four bytes besides its key and value, and a field only what it needs") {
  const auto bytes = [](size_t key_bytes, const Content& content) {
    return Record::bytes_needed(key_bytes, content);
  };
  const std::string eleven(11, 'v');
  CHECK(bytes(1, {.value = eleven}) == 16);
  CHECK(bytes(2, {.value = eleven}) == 24);
  CHECK(bytes(1, {.value = eleven.substr(4), .cas = UINT32_MAX}) == 16);
  CHECK(bytes(1, {.value = eleven.substr(4), .cas = uint64_t{UINT32_MAX} + 1}) == 24);
  CHECK(bytes(1, {.value = eleven.substr(6), .cas = uint64_t{UINT32_MAX} + 1}) == 16);
  CHECK(bytes(1, {.value = eleven.substr(8), .cas = 1, .is_cas_whole = true}) == 16);
  CHECK(bytes(1, {.value = eleven.substr(7), .cas = 1, .is_cas_whole = true}) == 24);
  CHECK(bytes(1, {.value = eleven.substr(5), .deadline_ms = 0}) == 16);
  CHECK(bytes(1, {.value = eleven.substr(4), .deadline_ms = 0}) == 24);
  CHECK(bytes(1, {.value = eleven.substr(4), .flags = 1}) == 16);
  CHECK(bytes(1, {.value = eleven.substr(3), .flags = 1}) == 24);
  CHECK(bytes(1, {.value = eleven.substr(5), .marks = kMarkStale}) == 16);
  CHECK(bytes(1, {.value = eleven.substr(4), .marks = kMarkStale | kMarkWon}) == 24);
  CHECK(bytes(1, {.value = eleven.substr(9), .marks = kMarkTracked, .accessed_s = 1}) == 16);
  CHECK(bytes(1, {.value = eleven.substr(8), .marks = kMarkTracked}) == 24);
  CHECK(bytes(1, {.value = eleven.substr(7), .marks = kMarkIdle}) == 24);
  CHECK(bytes(1, {.value = eleven.substr(6), .marks = kMarkIdle}) == 32);
  CHECK(bytes(1, {.value = eleven.substr(8), .marks = tags(1)}) == 24);
  CHECK(bytes(1, {.value = eleven.substr(7), .marks = tags(1)}) == 32);
  CHECK(bytes(1, {.value = eleven.substr(4), .marks = tags(4)}) == 40);
  CHECK(bytes(1, {.value = eleven.substr(3), .marks = tags(4)}) == 48);
}

TEST_CASE("a key of 256 bytes and more takes two bytes for its size") {
  CHECK(Record::bytes_needed(252, {}) == 256);
  CHECK(Record::bytes_needed(255, {}) == 264);
  CHECK(Record::bytes_needed(256, {}) == 264);
  CHECK(Record::bytes_needed(258, {}) == 264);
  CHECK(Record::bytes_needed(259, {}) == 272);
}

TEST_CASE("keys and values may hold any bytes") {
  std::string bytes(256, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
  const Content content{.value = bytes};
  Room room(Record::bytes_needed(bytes.size(), content));
  const Record record = Record::create(room.memory(), room.bytes(), false, bytes, content);
  CHECK((record.key() == bytes));
  CHECK((record.content().value == bytes));
}

TEST_CASE("the longest record that is not large knows its own room") {
  const Content content{.value = "v"};
  Room room(kSmallRecordBytesMax);
  const Record record = Record::create(room.memory(), room.bytes(), false, "key", content);
  CHECK(Record::room_at(room.memory()) == kSmallRecordBytesMax);
  CHECK(is_same(record.content(), content));
}

TEST_CASE("a large record leaves its room to its segment, and still tells what is unused of it") {
  const std::string value = pattern(300'000, 'a');
  const Content content{.value = value, .flags = 1, .deadline_ms = 2, .cas = 3};
  Room room(round_up(Record::bytes_needed(3, content), 4096));
  const Record record = Record::create(room.memory(), room.bytes(), true, "key", content);
  CHECK(Record::room_at(room.memory()) == 0);
  CHECK(is_same(Record(room.memory(), room.bytes()).content(), content));
  CHECK(record.live_bytes() == Record::bytes_needed(3, content));
}

TEST_CASE("a record can be rewritten from any content to any other that fits, and its key and room stay") {
  const std::vector<Content> contents = field_combinations();
  const std::string key = pattern(20, 'A');
  const std::string values[] = {"", "x", pattern(12, 'a'), pattern(40, 'b')};
  constexpr size_t kRoomBytes = 128;
  for (size_t i = 0; i < contents.size(); ++i) {
    for (const Content& other : contents) {
      Content from = contents[i];
      Content to = other;
      from.value = values[i % 4];
      for (const std::string& value : values) {
        to.value = value;
        Room room(kRoomBytes);
        Record record = Record::create(room.memory(), room.bytes(), false, key, from);
        record.rewrite(to);
        const bool is_right = record.key() == key && is_same(record.content(), to) &&
                              Record::room_at(room.memory()) == kRoomBytes && room.is_intact_behind() &&
                              record.live_bytes() == Record::bytes_needed(key.size(), to);
        REQUIRE(is_right);
      }
    }
  }
}

TEST_CASE("a value stays whole when only the fields around it change, in the tightest room too") {
  const std::vector<Content> contents = field_combinations();
  const std::string value = pattern(50, 'a');
  for (const Content& before : contents) {
    for (const Content& after : contents) {
      Content from = before;
      from.value = value;
      Content wanted = after;
      wanted.value = value;
      const size_t needed = std::max(Record::bytes_needed(3, from), Record::bytes_needed(3, wanted));
      Room room(needed);
      Record record = Record::create(room.memory(), room.bytes(), false, "key", from);
      Content to = after;
      to.value = record.content().value;  // where it lies
      record.rewrite(to);
      const bool is_right = record.key() == "key" && is_same(record.content(), wanted) && room.is_intact_behind();
      REQUIRE(is_right);
    }
  }
}

TEST_CASE("a part of a record's own value can become its value") {
  const std::string value = pattern(60, 'a');
  for (const size_t begin : {0, 1, 13, 59, 60}) {
    for (const size_t length : {0, 1, 20, 60}) {
      Room room(80);
      Record record = Record::create(room.memory(), room.bytes(), false, "key", {.value = value, .cas = 1});
      Content to = record.content();
      to.value = to.value.substr(begin, length);
      to.deadline_ms = 12345;
      record.rewrite(to);
      CHECK((record.content().value == std::string_view(value).substr(begin, length)));
      CHECK(record.content().deadline_ms == 12345);
      CHECK(record.content().cas == 1);
    }
  }
}

TEST_CASE("a value grows behind and before what there is of it, until its room is full") {
  for (const size_t step : {1, 3, 7, 8, 9, 100, 5000}) {
    for (const Marks marks : {Marks{0}, kMarkStale, kMarkIdle, tags(1), tags(4)}) {
      CAPTURE(step);
      Room room(40'000);
      std::string value = pattern(step, 'a');
      Record record = Record::create(room.memory(), room.bytes(), false, "key",
                                     {.value = value, .marks = marks, .tags = kTagBytes});
      for (size_t i = 0;; ++i) {
        const std::string addition = pattern(step, static_cast<char>('a' + i % 26));
        const bool is_prepended = i % 3 == 2;
        Content content = record.content();
        content.cas = i;
        content.tail = addition;
        if (is_prepended) std::swap(content.value, content.tail);
        if (Record::bytes_needed(3, content) > room.bytes()) break;
        record.rewrite(content);
        value.insert(is_prepended ? 0 : value.size(), addition);
        if (step < 100 && i % 97 != 0 && value.size() + 100 < room.bytes()) continue;
        REQUIRE(record.content().value == value);
        REQUIRE(record.content().marks == marks);
        REQUIRE(std::equal(kTagBytes, kTagBytes + Extension::tag_bytes(record.content().tag_count()),
                           record.content().tags));
        REQUIRE(record.content().cas == i);
        REQUIRE(record.key() == "key");
      }
      CHECK(record.content().value == value);
      CHECK(value.size() + step + 48 > room.bytes());
      CHECK(room.is_intact_behind());
    }
  }
}

TEST_CASE("a value that shrinks and grows again within its room is right at every size") {
  const std::string value = pattern(200, 'a');
  Room room(Record::bytes_needed(3, {.value = value}));
  Record record = Record::create(room.memory(), room.bytes(), false, "key", {.value = value});
  for (size_t size = 200; size > 0; --size) {
    record.rewrite({.value = std::string_view(value).substr(0, size)});
    REQUIRE((record.content().value == std::string_view(value).substr(0, size)));
  }
  for (size_t size = 0; size <= 200; ++size) {
    record.rewrite({.value = std::string_view(value).substr(200 - size)});
    REQUIRE((record.content().value == std::string_view(value).substr(200 - size)));
  }
  CHECK(room.is_intact_behind());
}

}  // namespace
}  // namespace larder::internal
