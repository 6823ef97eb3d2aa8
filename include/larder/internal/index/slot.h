// One 8-byte entry of the index:
//
//    63        42 41     40 39                    0
//   |    tag    | frequency |  record address / 8  |      0 is the empty slot
#ifndef LARDER_INTERNAL_INDEX_SLOT_H_
#define LARDER_INTERNAL_INDEX_SLOT_H_

#include <bit>
#include <cstddef>
#include <cstdint>

#include "larder/internal/item/record.h"

namespace larder::internal {

class Slot {
 public:
  static constexpr int kTagBits = 22;
  static constexpr int kFrequencyBits = 2;
  static constexpr int kAddressBits = 40;
  static_assert(kTagBits + kFrequencyBits + kAddressBits == 64);
  static constexpr uint32_t kTagCount = uint32_t{1} << kTagBits;
  static constexpr uint32_t kFrequencyMax = (1u << kFrequencyBits) - 1;
  static constexpr int kAddressShift = std::countr_zero(kRecordAlignment);
  static_assert(kAddressBytesMax == size_t{1} << (kAddressBits + kAddressShift));

  constexpr Slot() = default;
  explicit constexpr Slot(uint64_t word) : word_(word) {}
  constexpr Slot(uint32_t tag, uint32_t frequency, uint64_t address)
      : word_((uint64_t{tag} << (kFrequencyBits + kAddressBits)) | (uint64_t{frequency} << kAddressBits) |
              (address >> kAddressShift)) {}

  [[nodiscard]] constexpr bool is_empty() const { return word_ == 0; }
  [[nodiscard]] constexpr uint32_t tag() const { return static_cast<uint32_t>(word_ >> (64 - kTagBits)); }
  [[nodiscard]] constexpr uint32_t frequency() const {
    return static_cast<uint32_t>(word_ >> kAddressBits) & kFrequencyMax;
  }
  [[nodiscard]] constexpr uint64_t address() const {
    return (word_ & ((uint64_t{1} << kAddressBits) - 1)) << kAddressShift;
  }
  [[nodiscard]] constexpr uint64_t word() const { return word_; }

 private:
  uint64_t word_ = 0;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_SLOT_H_
