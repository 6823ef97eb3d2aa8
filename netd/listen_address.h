// The addresses of -l: interfaces to listen on.
#ifndef NETD_LISTEN_ADDRESS_H_
#define NETD_LISTEN_ADDRESS_H_

#include <optional>
#include <string>
#include <vector>

#include "netd/option_values.h"

namespace netd {

inline constexpr int kAnyPort = -1;  // any free port
inline constexpr int kPortMax = 65535;

struct ListenAddress {
  std::string host;         // a name or an address; "*": every interface
  std::optional<int> port;  // not given: that of -p

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// Adds the addresses of the list given to -l to `addresses`, without duplicates. The list is separated by ',' or
// ';', and may have empty entries; each address is host, host:port, [v6], [v6]:port, v6 or *, after optional
// prefixes of memcached: `tag[…]:`, `tag_…_:`, `notls:` and `proto[ascii]:`, which have no effect here. Throws
// StartError.
void add_listen_addresses(const FlagValue& given, std::vector<ListenAddress>& addresses);

}  // namespace netd

#endif  // NETD_LISTEN_ADDRESS_H_
