// Request traces in the KVT1 format (see the README beside the traces), read whole.
#ifndef LARDER_TESTS_BENCH_TRACE_H_
#define LARDER_TESTS_BENCH_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"

namespace larder::bench {

struct Request {
  enum class Kind : uint8_t { kGet, kSet, kErase };

  // Never empty, and different for different numbers.
  [[nodiscard]] std::string key() const { return fmt::format("{:0{}}", number, std::max<size_t>(key_bytes, 1)); }

  uint32_t time_s = 0;
  uint32_t number = 0;
  uint32_t value_bytes = 0;
  uint32_t ttl_s = 0;  // 0: none
  uint16_t key_bytes = 0;
  Kind kind = Kind::kGet;
};

// From a file that `zstd` can decompress. Empty, with a message on stderr, when it cannot be read.
inline std::vector<Request> read_trace(const std::string& path) {
  constexpr size_t kRecordBytes = 20;
  // No shell reads the path.
  const std::string command = "zstd -dc --long=27 -- \"$LARDER_TRACE\"";
  setenv("LARDER_TRACE", path.c_str(), 1);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::vector<Request> requests;
  unsigned char header[16];
  if (pipe == nullptr || fread(header, 1, sizeof header, pipe.get()) != sizeof header ||
      std::string_view(reinterpret_cast<char*>(header), 4) != "KVT1" || header[6] != kRecordBytes) {
    fmt::print(stderr, "{}: not a KVT1 trace that zstd can decompress\n", path);
    return requests;
  }
  unsigned char record[kRecordBytes];
  const auto number_at = [&](size_t offset, size_t bytes) {
    uint32_t number = 0;
    for (size_t i = bytes; i-- > 0;) number = (number << 8) | record[offset + i];
    return number;
  };
  while (fread(record, 1, sizeof record, pipe.get()) == sizeof record) {
    requests.push_back({.time_s = number_at(0, 4),
                        .number = number_at(4, 4),
                        .value_bytes = number_at(8, 4),
                        .ttl_s = number_at(12, 4),
                        .key_bytes = static_cast<uint16_t>(number_at(16, 2)),
                        .kind = static_cast<Request::Kind>(record[18])});
  }
  return requests;
}

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_TRACE_H_
