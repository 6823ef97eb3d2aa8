#include "netd/preview.h"

#include <optional>

#include "netd/command_words.h"
#include "netd/numbers.h"
#include "netd/tokens.h"

namespace netd {
namespace {

// Which token of a line is the length of a value that follows it; 0 if none follows.
size_t length_token(std::string_view command) {
  const Word* const word = find_word(command);
  if (word == nullptr) return 0;
  if (word->shape == Shape::kStorage) return kStorageLengthToken;
  return word->shape == Shape::kMetaStorage ? kMetaStorageLengthToken : 0;
}

}  // namespace

Preview preview(std::string_view input, std::span<std::string_view> keys) {
  Preview seen;
  while (seen.keys < keys.size()) {
    const size_t line_end = input.find('\n', seen.bytes);
    if (line_end == std::string_view::npos) break;
    std::string_view line = input.substr(seen.bytes, line_end - seen.bytes);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view word = take_token(line);
    const std::string_view key = take_token(line);
    if (key.empty()) break;
    size_t end = line_end + 1;
    if (const size_t length = length_token(word); length > 0) {
      // Behind the word and the key.
      for (size_t i = 2; i < length; ++i) take_token(line);
      const std::optional<uint32_t> value_bytes = parse_u32(take_token(line));
      if (!value_bytes) break;
      end += size_t{*value_bytes} + 2;
      if (end > input.size()) break;
    }
    keys[seen.keys++] = key;
    seen.bytes = end;
  }
  return seen;
}

}  // namespace netd
