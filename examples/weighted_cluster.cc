// Spreads keys over several servers by their weights, as libmemcached does it for any client program: consistent
// hashing, by which few keys change their place when a server comes or goes.
//
// Three caches of this process stand for the servers of a cluster. Linked with larder-netd and libmemcached.
#include <libmemcached/memcached.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "larder/server.h"

namespace {

struct Node {
  uint32_t weight;
  std::unique_ptr<larder::Cache> cache;
  std::unique_ptr<larder::Server> server;
};

using Client = std::unique_ptr<memcached_st, decltype(&memcached_free)>;

Client make_client(const std::vector<Node>& nodes) {
  Client client(memcached_create(nullptr), &memcached_free);
  memcached_behavior_set(client.get(), MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
  memcached_behavior_set(client.get(), MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
  memcached_behavior_set(client.get(), MEMCACHED_BEHAVIOR_POLL_TIMEOUT, 60'000);  // in ms; 5 s otherwise
  for (const Node& node : nodes) {
    memcached_server_add_with_weight(client.get(), "127.0.0.1", static_cast<in_port_t>(node.server->port()),
                                     node.weight);
  }
  return client;
}

}  // namespace

int main() {
  constexpr uint32_t kKeys = 1000;
  std::vector<Node> nodes;
  uint32_t weights = 0;
  for (const uint32_t weight : {1, 3, 2}) {
    Node node = {.weight = weight, .cache = *larder::Cache::create(), .server = nullptr};
    node.server = *larder::Server::start(*node.cache, {.read_only = false});
    nodes.push_back(std::move(node));
    weights += weight;
  }

  const Client client = make_client(nodes);
  for (uint32_t i = 0; i < kKeys; ++i) {
    const std::string key = "key" + std::to_string(i);
    const memcached_return_t result = memcached_set(client.get(), key.data(), key.size(), "value", 5, 0, 0);
    if (result != MEMCACHED_SUCCESS) {
      std::cerr << memcached_strerror(client.get(), result) << '\n';
      return EXIT_FAILURE;
    }
  }

  bool is_fair = true;
  for (const Node& node : nodes) {
    const uint64_t items = node.cache->stats().items;
    const uint64_t share = uint64_t{kKeys} * node.weight / weights;
    std::cout << node.server->address() << " has weight " << node.weight << " and " << items << " keys\n";
    is_fair = is_fair && items > share / 2 && items < share * 2;
  }
  return is_fair ? EXIT_SUCCESS : EXIT_FAILURE;
}
