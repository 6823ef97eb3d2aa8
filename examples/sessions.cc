// Sessions of a web application: a type of the program's own, with a codec, that ends after 30 minutes without a
// visit.
//
// The clock is a larder::ManualClock, so that the program need not wait. Leave Options::clock out for real time.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "larder/typed_cache.h"

struct Session {
  std::string user;
  int32_t items_in_cart = 0;
};

// The number, and behind it the name. Strings and types without pointers would need none of this.
template <>
struct larder::Codec<Session> {
  static size_t size(const Session& session) { return sizeof session.items_in_cart + session.user.size(); }
  static size_t encode(const Session& session, std::span<char> room) {
    std::memcpy(room.data(), &session.items_in_cart, sizeof session.items_in_cart);
    session.user.copy(room.data() + sizeof session.items_in_cart, session.user.size());
    return room.size();
  }
  static std::optional<Session> decode(std::string_view bytes) {
    Session session;
    if (bytes.size() < sizeof session.items_in_cart) return std::nullopt;
    std::memcpy(&session.items_in_cart, bytes.data(), sizeof session.items_in_cart);
    session.user = bytes.substr(sizeof session.items_in_cart);
    return session;
  }
};

int main() {
  using namespace std::chrono_literals;
  larder::ManualClock clock;
  absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create({.clock = &clock});
  if (!cache.ok()) return EXIT_FAILURE;
  larder::TypedCache<uint64_t, Session> sessions(**cache, "session:");
  constexpr auto kIdleMax = 30min;

  sessions.set(17, {"ann", 3}, {.expiry = kIdleMax});
  sessions.set(18, {"bob", 1}, {.expiry = kIdleMax});

  // Every visit reads the session and starts its 30 minutes anew, in one step.
  clock.advance_ms(std::chrono::milliseconds(20min).count());
  std::optional<Session> ann = sessions.get_and_touch(17, kIdleMax);
  if (!ann) return EXIT_FAILURE;

  // Two visits at once do not overwrite each other: cas stores only what nobody has changed since it was read.
  std::optional<larder::TypedItem<Session>> read = sessions.get_item(17);
  if (!read) return EXIT_FAILURE;
  ++read->value.items_in_cart;
  const larder::StoreResult first = sessions.cas(17, read->value, read->cas, {.expiry = kIdleMax});
  const larder::StoreResult second = sessions.cas(17, read->value, read->cas, {.expiry = kIdleMax});

  clock.advance_ms(std::chrono::milliseconds(20min).count());
  ann = sessions.get(17);
  if (!ann) return EXIT_FAILURE;
  std::cout << ann->user << " has " << ann->items_in_cart << " items in the cart, bob "
            << (sessions.contains(18) ? "is there\n" : "is gone\n");
  return first == larder::StoreResult::kStored && second == larder::StoreResult::kExists &&
                 ann->items_in_cart == 4 && !sessions.contains(18)
             ? EXIT_SUCCESS
             : EXIT_FAILURE;
}
