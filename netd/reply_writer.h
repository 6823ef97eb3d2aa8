// Writes replies directly into the output buffer, into room that was reserved before.
#ifndef NETD_REPLY_WRITER_H_
#define NETD_REPLY_WRITER_H_

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "larder/handle.h"
#include "larder/item.h"
#include "netd/buffer.h"

namespace netd {

inline constexpr size_t kDecimalBytesMax = 20;  // of 2^64 - 1

// Writes into memory that is known to be large enough.
class ReplyWriter {
 public:
  explicit ReplyWriter(char* begin) : at_(begin) {}

  void text(std::string_view text) { at_ = std::copy(text.begin(), text.end(), at_); }
  template <class Number>
  void number(Number number) {
    at_ = std::to_chars(at_, at_ + kDecimalBytesMax, number).ptr;
  }
  [[nodiscard]] char* at() const { return at_; }

 private:
  char* at_;
};

// Lets `write(ReplyWriter&)` append at most as many bytes as have been reserved.
template <class Write>
void append_with(Buffer& out, Write write) {
  char* const begin = out.room().data();
  ReplyWriter writer(begin);
  write(writer);
  out.commit(static_cast<size_t>(writer.at() - begin));
}

// Appends at most `bytes_max` bytes that `write(ReplyWriter&)` writes, the value of an item that is being shown,
// and the end of the line. False, and nothing appended, if there is no memory for it.
template <class Write>
[[nodiscard]] bool append_with_value(Buffer& out, size_t bytes_max, const larder::ItemView& item, Write write) {
  constexpr std::string_view kEnd = "\r\n";
  bytes_max += kEnd.size();
  if (!out.is_for_outlet(item.value) && out.try_reserve(bytes_max + item.value.size())) {
    append_with(out, [&](ReplyWriter& to) {
      write(to);
      to.text(item.value);
      to.text(kEnd);
    });
    return true;
  }
  // Without a copy: it is long, or there is no memory to copy it.
  if (!out.has_outlet()) return false;
  std::optional<larder::Handle> handle = out.try_keep(item, bytes_max);
  if (!handle) return false;
  append_with(out, write);
  out.append_value(item.value, *std::move(handle));
  out.append(kEnd);
  return true;
}

}  // namespace netd

#endif  // NETD_REPLY_WRITER_H_
