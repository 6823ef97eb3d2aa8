// When an item was last changed, derived from its CAS number.
//
// Every change of an item takes the next count of its stripe as its CAS number, which the item carries anyway. A
// stripe that remembers when it reached which count therefore knows roughly when each of its items was last
// changed, at no cost per item. Old times are thinned out: the last seconds are exact, the last minutes are
// accurate to a seventh of the age, and hours to a half.
#ifndef LARDER_INTERNAL_INDEX_CHANGE_CLOCK_H_
#define LARDER_INTERNAL_INDEX_CHANGE_CLOCK_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace larder::internal {

// Not thread-safe: each is guarded by its stripe's mutex.
class ChangeClock {
 public:
  // The count has just become `count`, greater than ever before; `now_s` never decreases.
  void note(uint64_t count, uint32_t now_s) {
    if (size_ == 0 || last_s_ != now_s) begin_second(count, now_s);
  }

  // About when the count became `count`: never later than it did, unless that was before everything remembered.
  [[nodiscard]] uint32_t time_of(uint64_t count) const;

 private:
  static constexpr size_t kSizeMax = 32;

  void begin_second(uint64_t count, uint32_t now_s);
  void forget_one();

  uint32_t last_s_ = 0;  // the last of times_s_, next to what else is needed for every change
  uint32_t size_ = 0;
  // The first count of each remembered second, in order.
  std::array<uint64_t, kSizeMax> counts_{};
  std::array<uint32_t, kSizeMax> times_s_{};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_CHANGE_CLOCK_H_
