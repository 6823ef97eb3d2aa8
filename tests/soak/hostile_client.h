// A client that does what nobody should, one thing after the other, and expects nothing in return. It names no keys
// of good clients when it changes something.
#ifndef LARDER_TESTS_SOAK_HOSTILE_CLIENT_H_
#define LARDER_TESTS_SOAK_HOSTILE_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "connection.h"
#include "load.h"

namespace larder::soak {

class HostileClient {
 public:
  HostileClient(Load& load, uint64_t number) : load_(load), random_(~number) {}

  // Until the load is over.
  void run();

 private:
  void act();
  void send_garbage();
  void send_half_a_request();
  void leave_before_the_reply();
  void send_endless_line();
  void read_nothing();
  void trickle();
  void come_and_go();
  void guess_passwords();
  void watch_and_read_nothing();
  void ask_for_reports();
  void tune();
  void send_what_is_too_large();
  void hold_unfinished_requests();
  void flood_with_reports();
  void lengthen_long_values();
  void leave_a_dump_unread();
  void guess_on_many_connections();
  void ask_for_scans_over_udp();

  std::unique_ptr<Connection> connect();
  using Connections = std::vector<std::unique_ptr<Connection>>;
  Connections connect(size_t count);
  void fill(Connection& connection, std::string_view bytes, std::chrono::milliseconds longest);
  void offer(Connections& connections, std::string_view bytes, std::chrono::milliseconds longest);
  void pause(std::chrono::milliseconds longest);
  std::string garbage(size_t bytes);
  uint64_t below(uint64_t bound) { return random_() % bound; }
  bool one_in(uint64_t bound) { return below(bound) == 0; }

  Load& load_;
  std::mt19937_64 random_;
};

}  // namespace larder::soak

#endif  // LARDER_TESTS_SOAK_HOSTILE_CLIENT_H_
