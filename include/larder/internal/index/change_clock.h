// When an item was last changed, told from its CAS number.
//
// Every change of an item takes the next count of its stripe for its CAS number, and the item carries that number
// anyway. A stripe that remembers when it had counted how far therefore knows, roughly, when any of its items was
// last changed, and no item pays for it. What is remembered is thinned out with age: the last seconds are exact,
// the last minutes are told to within a seventh of the age, hours to within a half.
#ifndef LARDER_INTERNAL_INDEX_CHANGE_CLOCK_H_
#define LARDER_INTERNAL_INDEX_CHANGE_CLOCK_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace larder::internal {

// Not thread-safe: each is guarded by its stripe's mutex.
class ChangeClock {
 public:
  // The count has just become `count`, greater than ever before; `now_s` never goes back.
  void note(uint64_t count, uint32_t now_s) {
    if (size_ == 0 || times_s_[size_ - 1] != now_s) begin_second(count, now_s);
  }

  // About when the count became `count`: never later than it did, unless that was before everything remembered.
  [[nodiscard]] uint32_t time_of(uint64_t count) const;

 private:
  static constexpr size_t kSizeMax = 32;

  void begin_second(uint64_t count, uint32_t now_s);
  void forget_one();

  // The first count of a second, in order.
  std::array<uint64_t, kSizeMax> counts_{};
  std::array<uint32_t, kSizeMax> times_s_{};
  size_t size_ = 0;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_CHANGE_CLOCK_H_
