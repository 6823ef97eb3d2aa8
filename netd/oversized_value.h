// A value that is one byte longer than the cache stores, and that takes no memory.
#ifndef NETD_OVERSIZED_VALUE_H_
#define NETD_OVERSIZED_VALUE_H_

#include <cstddef>
#include <string_view>

namespace netd {

// A `set` with a value over the limit must still remove the old item and be counted, both of which the cache does
// when it refuses such a value. The bytes the client sends are thrown away unseen; the cache is given these, which
// it never reads as it goes by the length. They are address space that nothing was ever put in.
class OversizedValue {
 public:
  // Throws StartError.
  explicit OversizedValue(size_t value_bytes_max);
  ~OversizedValue();
  OversizedValue(const OversizedValue&) = delete;
  OversizedValue& operator=(const OversizedValue&) = delete;

  [[nodiscard]] std::string_view view() const { return {data_, bytes_}; }

 private:
  const size_t bytes_;
  const char* const data_;
};

}  // namespace netd

#endif  // NETD_OVERSIZED_VALUE_H_
