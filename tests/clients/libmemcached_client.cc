// libmemcached behind a pipe: reads a request a line from stdin and answers each with a line on stdout.
//
//   behavior NAME VALUE                           before the first key is used
//   server HOST PORT WEIGHT                       adds a server
//   node KEY                                      the port of the server that the key belongs to now
//   set|add|replace|append|prepend KEY VALUE [TTL [FLAGS]]
//   cas KEY VALUE                                 with the CAS number of the last get of any key
//   get KEY                                       the outcome, then value and flags
//   mget KEY …                                    the outcome, then the keys that were found with their values
//   incr|decr KEY DELTA                           the outcome, then the new value
//   delete KEY, touch KEY TTL, exist KEY, flush, version
//
// An outcome is libmemcached's own word for it, such as `SUCCESS` or `NOT FOUND`.
#include <libmemcached/memcached.h>

#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Deleter {
  void operator()(memcached_st* client) const { memcached_free(client); }
  void operator()(memcached_result_st* result) const { memcached_result_free(result); }
};
using Client = std::unique_ptr<memcached_st, Deleter>;
using Result = std::unique_ptr<memcached_result_st, Deleter>;

const std::map<std::string, memcached_behavior_t> kBehaviors = {
    {"auto_eject_hosts", MEMCACHED_BEHAVIOR_AUTO_EJECT_HOSTS},
    {"buffer_requests", MEMCACHED_BEHAVIOR_BUFFER_REQUESTS},
    {"connect_timeout_ms", MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT},
    {"dead_timeout_s", MEMCACHED_BEHAVIOR_DEAD_TIMEOUT},
    {"ketama_weighted", MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED},
    {"noreply", MEMCACHED_BEHAVIOR_NOREPLY},
    {"poll_timeout_ms", MEMCACHED_BEHAVIOR_POLL_TIMEOUT},
    {"retry_timeout_s", MEMCACHED_BEHAVIOR_RETRY_TIMEOUT},
    {"server_failure_limit", MEMCACHED_BEHAVIOR_SERVER_FAILURE_LIMIT},
    {"tcp_nodelay", MEMCACHED_BEHAVIOR_TCP_NODELAY},
};

using Store = memcached_return_t (*)(memcached_st*, const char*, size_t, const char*, size_t, time_t, uint32_t);
const std::map<std::string, Store> kStores = {
    {"set", memcached_set},       {"add", memcached_add},         {"replace", memcached_replace},
    {"append", memcached_append}, {"prepend", memcached_prepend},
};

// One request: what it asks for, done as its words are read.
class Request {
 public:
  Request(memcached_st* client, uint64_t* last_cas, const std::string& line)
      : client_(client), last_cas_(last_cas), words_(line) {
    words_ >> verb_;
  }

  std::string reply() {
    if (verb_ == "behavior") return set_behavior();
    if (verb_ == "server") return add_server();
    if (verb_ == "flush") return outcome(memcached_flush(client_, 0));
    if (verb_ == "version") return outcome(memcached_version(client_));
    if (verb_ == "mget") return get_many();
    words_ >> key_;
    if (verb_ == "node") {
      memcached_return_t result = MEMCACHED_SUCCESS;
      auto* server = memcached_server_by_key(client_, key_.data(), key_.size(), &result);
      return server ? std::to_string(memcached_server_port(server)) : outcome(result);
    }
    if (auto store = kStores.find(verb_); store != kStores.end()) {
      std::string value = word();
      time_t ttl_s = number();
      auto flags = static_cast<uint32_t>(number());
      return outcome(store->second(client_, key_.data(), key_.size(), value.data(), value.size(), ttl_s, flags));
    }
    if (verb_ == "cas") {
      std::string value = word();
      return outcome(
          memcached_cas(client_, key_.data(), key_.size(), value.data(), value.size(), 0, 0, *last_cas_));
    }
    if (verb_ == "get") return get();
    if (verb_ == "incr") return changed_count(memcached_increment);
    if (verb_ == "decr") return changed_count(memcached_decrement);
    if (verb_ == "delete") return outcome(memcached_delete(client_, key_.data(), key_.size(), 0));
    if (verb_ == "touch") return outcome(memcached_touch(client_, key_.data(), key_.size(), number()));
    if (verb_ == "exist") return outcome(memcached_exist(client_, key_.data(), key_.size()));
    return "no such request: " + verb_;
  }

 private:
  std::string word() {
    std::string word;
    words_ >> word;
    return word;
  }

  // 0 if there are no more words.
  int64_t number() {
    int64_t number = 0;
    words_ >> number;
    return number;
  }

  std::string outcome(memcached_return_t result) const { return memcached_strerror(client_, result); }

  std::string set_behavior() {
    memcached_behavior_t behavior = kBehaviors.at(word());
    return outcome(memcached_behavior_set(client_, behavior, static_cast<uint64_t>(number())));
  }

  std::string add_server() {
    std::string host = word();
    auto port = static_cast<in_port_t>(number());
    return outcome(memcached_server_add_with_weight(client_, host.c_str(), port, static_cast<uint32_t>(number())));
  }

  std::string get() {
    const char* key = key_.data();
    size_t length = key_.size();
    memcached_return_t result = memcached_mget(client_, &key, &length, 1);
    if (result != MEMCACHED_SUCCESS) return outcome(result);
    std::string reply;
    while (Result item{memcached_fetch_result(client_, nullptr, &result)}) {
      *last_cas_ = memcached_result_cas(item.get());
      reply = outcome(MEMCACHED_SUCCESS) + ' ' + value_of(item.get()) + ' ' +
              std::to_string(memcached_result_flags(item.get()));
    }
    return reply.empty() ? outcome(result) : reply;
  }

  std::string get_many() {
    std::vector<std::string> names;
    for (std::string name; words_ >> name;) names.push_back(name);
    std::vector<const char*> keys;
    std::vector<size_t> lengths;
    for (const std::string& name : names) {
      keys.push_back(name.data());
      lengths.push_back(name.size());
    }
    std::string reply = outcome(memcached_mget(client_, keys.data(), lengths.data(), keys.size()));
    memcached_return_t result = MEMCACHED_SUCCESS;
    std::map<std::string, std::string> found;
    while (Result item{memcached_fetch_result(client_, nullptr, &result)}) {
      found.emplace(std::string(memcached_result_key_value(item.get()), memcached_result_key_length(item.get())),
                    value_of(item.get()));
    }
    for (const auto& [key, value] : found) reply += ' ' + key + '=' + value;
    return reply;
  }

  template <typename Change>
  std::string changed_count(Change change) {
    uint64_t value = 0;
    memcached_return_t result = change(client_, key_.data(), key_.size(), static_cast<uint32_t>(number()), &value);
    return result == MEMCACHED_SUCCESS ? outcome(result) + ' ' + std::to_string(value) : outcome(result);
  }

  static std::string value_of(const memcached_result_st* item) {
    return {memcached_result_value(item), memcached_result_length(item)};
  }

  memcached_st* client_;
  uint64_t* last_cas_;
  std::istringstream words_;
  std::string verb_;
  std::string key_;
};

}  // namespace

int main() {
  Client client{memcached_create(nullptr)};
  memcached_behavior_set(client.get(), MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1);
  uint64_t last_cas = 0;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Request(client.get(), &last_cas, line).reply() << std::endl;
  }
}
