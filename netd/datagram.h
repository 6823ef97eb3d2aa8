// memcached's header for UDP: each datagram starts with four 16-bit numbers in big-endian order.
//
//    request id | sequence number | number of datagrams | 0
//
// A request is one datagram. Its reply has the same id, and consists of as many datagrams as needed. Pure.
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
// The size of a reply's datagram, including the header; a request may be as long as UDP allows.
inline constexpr size_t kDatagramBytesMax = 1400;

using DatagramHeader = std::array<char, kDatagramHeaderBytes>;

// The id of the request in the datagram. Nothing if it is part of a request of several datagrams, or not a
// request.
[[nodiscard]] std::optional<uint16_t> request_id_of(std::string_view datagram);

// Calls send(header, part) for each datagram of the reply, until it returns false. Not called for an empty reply,
// or for one that is too long to be numbered.
void split_reply(uint16_t request_id, std::string_view reply,
                 larder::FunctionRef<bool(const DatagramHeader& header, std::string_view part)> send);

}  // namespace netd

#endif  // NETD_DATAGRAM_H_
