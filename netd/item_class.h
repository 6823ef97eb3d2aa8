// Size classes, for tools that ask for slab classes: netd has no slabs. Class 1 has items of up to 64 bytes, key
// and value together; each further class goes up to twice as much.
#ifndef NETD_ITEM_CLASS_H_
#define NETD_ITEM_CLASS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace netd {

using ItemClass = uint32_t;

inline constexpr int kFirstClassBits = 6;
// A value of 1 GiB with its key is in the last class.
inline constexpr ItemClass kItemClassMax = 26;

[[nodiscard]] constexpr ItemClass class_of(size_t item_bytes) {
  const int bits = item_bytes == 0 ? 0 : std::bit_width(item_bytes - 1);
  return bits <= kFirstClassBits ? 1 : static_cast<ItemClass>(bits - kFirstClassBits + 1);
}

[[nodiscard]] constexpr ItemClass class_of(std::string_view key, size_t value_bytes) {
  return class_of(key.size() + value_bytes);
}

[[nodiscard]] constexpr size_t class_bytes_max(ItemClass item_class) {
  return size_t{1} << (kFirstClassBits + item_class - 1);
}

static_assert(class_of((size_t{1} << 30) + 250) == kItemClassMax);

}  // namespace netd

#endif  // NETD_ITEM_CLASS_H_
