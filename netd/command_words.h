// The words that requests start with.
#ifndef NETD_COMMAND_WORDS_H_
#define NETD_COMMAND_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "netd/request.h"

namespace netd {

// The form of a command's arguments.
enum class Shape : uint8_t { kRetrieval, kStorage, kMeta, kMetaStorage, kSimple };

struct Word {
  std::string_view text;
  Command command;
  Shape shape;
  size_t tokens_min;  // including the command word
};

// Which token of a line, the command word being 0, is the length of the value after the line.
inline constexpr size_t kStorageLengthToken = 4;
inline constexpr size_t kMetaStorageLengthToken = 2;

// Null: there is no such command.
[[nodiscard]] const Word* find_word(std::string_view text);

}  // namespace netd

#endif  // NETD_COMMAND_WORDS_H_
