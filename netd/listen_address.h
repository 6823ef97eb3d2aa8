// What -l takes: the names of interfaces to listen on.
#ifndef NETD_LISTEN_ADDRESS_H_
#define NETD_LISTEN_ADDRESS_H_

#include <optional>
#include <string>
#include <vector>

#include "netd/option_values.h"

namespace netd {

inline constexpr int kAnyPort = -1;  // whichever is free
inline constexpr int kPortMax = 65535;

struct ListenAddress {
  std::string host;         // a name or an address; "*": every interface
  std::optional<int> port;  // not given: that of -p

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// Adds the addresses of the list given to -l to `addresses`, leaving out those that are there. The list is
// separated by ',' or ';', of which there may be too many; each address is host, host:port, [v6], [v6]:port, v6 or
// *, behind prefixes that memcached knows: `tag[…]:`, `tag_…_:`, `notls:` and `proto[ascii]:`, which change nothing
// here. Throws StartError.
void add_listen_addresses(const FlagValue& given, std::vector<ListenAddress>& addresses);

}  // namespace netd

#endif  // NETD_LISTEN_ADDRESS_H_
