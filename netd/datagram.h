// memcached's frame for UDP: each datagram begins with four 16-bit numbers, the highest byte first.
//
//    request id | sequence number | number of datagrams | 0
//
// A request is one datagram; its reply repeats the id, and is as many datagrams as it takes. Pure.
#ifndef NETD_DATAGRAM_H_
#define NETD_DATAGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "larder/function_ref.h"

namespace netd {

inline constexpr size_t kDatagramHeaderBytes = 8;
// Of a reply's datagram, header included; one of a request may be as long as UDP allows.
inline constexpr size_t kDatagramBytesMax = 1400;

using DatagramHeader = std::array<char, kDatagramHeaderBytes>;

// The id of the request that the datagram holds. Nothing if it is part of a request of several datagrams, or none.
[[nodiscard]] std::optional<uint16_t> request_id_of(std::string_view datagram);

// Calls send(header, part) for each datagram of the reply, until it returns false. For an empty reply, and for one
// that is too long to be numbered, not once.
void split_reply(uint16_t request_id, std::string_view reply,
                 larder::FunctionRef<bool(const DatagramHeader& header, std::string_view part)> send);

}  // namespace netd

#endif  // NETD_DATAGRAM_H_
