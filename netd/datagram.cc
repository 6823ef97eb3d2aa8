#include "netd/datagram.h"

#include <limits>

namespace netd {
namespace {

constexpr size_t kPartBytesMax = kDatagramBytesMax - kDatagramHeaderBytes;

uint16_t number_at(std::string_view bytes, size_t place) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[place]) << 8 | static_cast<uint8_t>(bytes[place + 1]));
}

void put_number(uint16_t number, size_t place, DatagramHeader& header) {
  header[place] = static_cast<char>(number >> 8);
  header[place + 1] = static_cast<char>(number & 0xff);
}

}  // namespace

std::optional<uint16_t> request_id_of(std::string_view datagram) {
  if (datagram.size() <= kDatagramHeaderBytes || number_at(datagram, 4) != 1) return std::nullopt;
  return number_at(datagram, 0);
}

void split_reply(uint16_t request_id, std::string_view reply,
                 larder::FunctionRef<bool(const DatagramHeader& header, std::string_view part)> send) {
  const size_t count = (reply.size() + kPartBytesMax - 1) / kPartBytesMax;
  if (count > std::numeric_limits<uint16_t>::max()) return;
  DatagramHeader header{};
  put_number(request_id, 0, header);
  put_number(static_cast<uint16_t>(count), 4, header);
  for (size_t i = 0; i < count; ++i) {
    put_number(static_cast<uint16_t>(i), 2, header);
    if (!send(header, reply.substr(i * kPartBytesMax, kPartBytesMax))) return;
  }
}

}  // namespace netd
