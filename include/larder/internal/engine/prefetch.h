// Has the memory of records fetched before it is needed.
#ifndef LARDER_INTERNAL_ENGINE_PREFETCH_H_
#define LARDER_INTERNAL_ENGINE_PREFETCH_H_

#include <cstddef>

namespace larder::internal {

inline constexpr size_t kCacheLineBytes = 64;
// How much of a record is fetched ahead: short ones are what there are many of.
inline constexpr size_t kLinesFetched = 3;

inline constexpr int kToRead = 0;
inline constexpr int kToWrite = 1;
template <int purpose>
inline void prefetch_record(const std::byte* record) {
  for (size_t line = 0; line < kLinesFetched; ++line) {
    __builtin_prefetch(record + line * kCacheLineBytes, purpose);
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_PREFETCH_H_
