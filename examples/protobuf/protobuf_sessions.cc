// Messages of Protocol Buffers as values: one codec for all of them.
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "larder/cache.h"
#include "larder/typed_cache.h"
#include "session.pb.h"

template <std::derived_from<google::protobuf::MessageLite> Message>
struct larder::Codec<Message> {
  static size_t size(const Message& message) { return message.ByteSizeLong(); }
  static size_t encode(const Message& message, std::span<char> room) {
    if (!message.SerializeToArray(room.data(), static_cast<int>(room.size()))) std::abort();
    return static_cast<size_t>(message.GetCachedSize());
  }
  static std::optional<Message> decode(std::string_view bytes) {
    std::optional<Message> message(std::in_place);
    if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
    return message;
  }
};

int main() {
  const std::unique_ptr<larder::Cache> cache = *larder::Cache::create();
  larder::TypedCache<uint64_t, example::Session> sessions(*cache, "session:");

  example::Session session;
  session.set_user("ann");
  sessions.set(42, session);
  sessions.update(42, [](std::optional<example::Session>& stored) {
    if (stored) stored->add_seen_pages(7);
    return stored.has_value();
  });

  const std::optional<example::Session> found = sessions.get(42);
  if (!found || found->user() != "ann" || found->seen_pages_size() != 1) return EXIT_FAILURE;
  std::cout << found->user() << " has seen page " << found->seen_pages(0) << '\n';
  return EXIT_SUCCESS;
}
