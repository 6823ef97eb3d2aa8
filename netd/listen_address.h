// What -l takes: the names of interfaces to listen on.
#ifndef NETD_LISTEN_ADDRESS_H_
#define NETD_LISTEN_ADDRESS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netd {

inline constexpr int kAnyPort = -1;  // whichever is free
inline constexpr int kPortMax = 65535;

struct ListenAddress {
  std::string host;         // a name or an address; "*": every interface
  std::optional<int> port;  // not given: that of -p

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// Adds the addresses in `list` to `addresses`, leaving out those that are there. `list` is separated by ',' or
// ';'; each address is host, host:port, [v6], [v6]:port, v6 or *, behind prefixes that memcached knows: `tag[…]:`,
// `tag_…_:` and `notls:`, which change nothing here. Throws StartError.
void add_listen_addresses(std::string_view list, std::vector<ListenAddress>& addresses);

}  // namespace netd

#endif  // NETD_LISTEN_ADDRESS_H_
