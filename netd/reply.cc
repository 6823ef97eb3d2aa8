#include "netd/reply.h"

#include <cstddef>

#include "netd/reply_writer.h"
#include "netd/version.h"

namespace netd {
bool append_value(const larder::ItemView& item, bool with_cas, Buffer& out) {
  constexpr size_t kFixedBytesMax = 6 + 3 * (1 + kDecimalBytesMax) + 2;
  return append_with_value(out, kFixedBytesMax + item.key.size(), item, [&](ReplyWriter& to) {
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
}

void append_number(uint64_t number, Buffer& out) {
  out.reserve(kDecimalBytesMax + 2);
  append_with(out, [number](ReplyWriter& to) {
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
  append_with(out, [&](ReplyWriter& to) {
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
