// How replies are put together: straight in the output buffer, in room that was reserved before.
#ifndef NETD_REPLY_WRITER_H_
#define NETD_REPLY_WRITER_H_

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "netd/buffer.h"

namespace netd {

inline constexpr size_t kDecimalBytesMax = 20;  // of 2^64 - 1

// Writes into memory that is known to suffice.
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

// Lets `write(ReplyWriter&)` append at most as many octets as have been reserved.
template <class Write>
void append_with(Buffer& out, Write write) {
  char* const begin = out.room().data();
  ReplyWriter writer(begin);
  write(writer);
  out.commit(static_cast<size_t>(writer.at() - begin));
}

}  // namespace netd

#endif  // NETD_REPLY_WRITER_H_
