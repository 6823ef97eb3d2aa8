// Turns results into the reply lines that are not fixed. Pure; reply_words.h has the fixed ones.
#ifndef NETD_REPLY_H_
#define NETD_REPLY_H_

#include <cstdint>
#include <string_view>

#include "larder/item.h"
#include "netd/buffer.h"

namespace netd {

// VALUE <key> <flags> <bytes>⏎<value>⏎ for get and gat, with <cas> at the end of the line for gets and gats.
// False, and nothing appended, if there is no memory for it.
[[nodiscard]] bool append_value(const larder::ItemView& item, bool with_cas, Buffer& out);

// The others throw std::bad_alloc then.
//
// A line with a number: the reply to incr and decr.
void append_number(uint64_t number, Buffer& out);

// VERSION <text>
void append_version(Buffer& out);

// STAT <name> <value>
void append_stat(std::string_view name, std::string_view value, Buffer& out);
void append_stat(std::string_view name, uint64_t value, Buffer& out);

}  // namespace netd

#endif  // NETD_REPLY_H_
