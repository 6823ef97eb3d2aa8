#include "netd/reply.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "netd/version.h"

namespace netd {
namespace {

constexpr size_t kDecimalBytesMax = 20;  // of 2^64 - 1

// Writes into memory that is known to suffice.
class Writer {
 public:
  explicit Writer(char* begin) : at_(begin) {}

  void text(std::string_view text) { at_ = std::copy(text.begin(), text.end(), at_); }
  void number(uint64_t number) { at_ = std::to_chars(at_, at_ + kDecimalBytesMax, number).ptr; }
  [[nodiscard]] char* at() const { return at_; }

 private:
  char* at_;
};

// Lets `write(Writer&)` append at most as many octets as have been reserved.
template <class Write>
void append_with(Buffer& out, Write write) {
  char* const begin = out.room().data();
  Writer writer(begin);
  write(writer);
  out.commit(static_cast<size_t>(writer.at() - begin));
}

}  // namespace

bool append_value(const larder::ItemView& item, bool with_cas, Buffer& out) {
  constexpr size_t kFixedBytesMax = 6 + 3 * (1 + kDecimalBytesMax) + 2 + 2;
  if (!out.try_reserve(kFixedBytesMax + item.key.size() + item.value.size())) return false;
  append_with(out, [&](Writer& to) {
    to.text("VALUE ");
    to.text(item.key);
    to.text(" ");
    to.number(item.flags);
    to.text(" ");
    to.number(item.value.size());
    if (with_cas) {
      to.text(" ");
      to.number(item.cas);
    }
    to.text("\r\n");
  });
  out.append_or_send(item.value);
  out.append("\r\n");
  return true;
}

void append_number(uint64_t number, Buffer& out) {
  out.reserve(kDecimalBytesMax + 2);
  append_with(out, [number](Writer& to) {
    to.number(number);
    to.text("\r\n");
  });
}

void append_version(Buffer& out) {
  out.append("VERSION ");
  out.append(version_text());
  out.append("\r\n");
}

void append_stat(std::string_view name, std::string_view value, Buffer& out) {
  out.reserve(5 + name.size() + 1 + value.size() + 2);
  append_with(out, [&](Writer& to) {
    to.text("STAT ");
    to.text(name);
    to.text(" ");
    to.text(value);
    to.text("\r\n");
  });
}

void append_stat(std::string_view name, uint64_t value, Buffer& out) {
  char digits[kDecimalBytesMax];
  const char* const end = std::to_chars(digits, digits + kDecimalBytesMax, value).ptr;
  append_stat(name, std::string_view(digits, static_cast<size_t>(end - digits)), out);
}

}  // namespace netd
