#include "tag_layer.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "compare.h"
#include "fmt/core.h"
#include "larder/cache.h"
#include "larder/tags.h"
#include "make_cache.h"

namespace larder::bench {
namespace {

constexpr size_t kItemsPerTag = 100;

// As it is written by hand: the keys of each tag, which nobody takes out when their items are evicted.
class KeysOfTags {
 public:
  explicit KeysOfTags(Cache& cache) : cache_(cache) {}

  void set(const std::string& key, std::string_view value, const std::string& tag) {
    cache_.set(key, value);
    const std::lock_guard lock(mutex_);
    keys_[tag].insert(key);
  }
  void erase_tag(const std::string& tag) {
    std::unordered_set<std::string> keys;
    {
      const std::lock_guard lock(mutex_);
      keys = std::exchange(keys_[tag], {});
    }
    cache_.erase_multi(keys);
  }

 private:
  Cache& cache_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::unordered_set<std::string>> keys_;
};

}  // namespace

void compare_tags(const std::vector<std::string>& keys, size_t items, size_t rounds) {
  const Options options{.memory_limit_bytes = items * 1000 + (8 << 20), .seed = 42};
  const std::unique_ptr<Cache> plain = make_cache(options), tagged = make_cache(options),
                               listed = make_cache(options);
  KeysOfTags by_hand(*listed);
  const std::string value(104, 'v');
  std::vector<std::string> tags;
  const size_t tag_count = std::max<size_t>(items / kItemsPerTag, 1);
  for (size_t i = 0; i < keys.size(); ++i) tags.push_back(fmt::format("tag:{}", i % tag_count));
  const auto set_tagged = [&] {
    for (size_t i = 0; i < keys.size(); ++i) tagged->set(keys[i], value, {.tags = tags[i]});
  };
  compare("set, tags", rounds, keys.size(),
          {{"none",
            [&] {
              for (const std::string& key : keys) plain->set(key, value);
            }},
           {"one", set_tagged},
           {"four",
            [&] {
              for (size_t i = 0; i < keys.size(); ++i) {
                tagged->set(keys[i], value, {.tags = {tags[i], "a", "b", "c"}});
              }
            }},
           {"by hand, one", [&] {
              for (size_t i = 0; i < keys.size(); ++i) by_hand.set(keys[i], value, tags[i]);
            }}});
  uint64_t sum = 0;
  std::string text;
  const auto get_all = [&](Cache& cache) {
    for (const std::string& key : keys) sum += cache.get(key, text) ? text.size() : 0;
  };
  set_tagged();
  compare("get, tags", rounds, keys.size(),
          {{"none", [&] { get_all(*plain); }}, {"one", [&] { get_all(*tagged); }}});
  // As many items are stored as a tag has, and then erased.
  const auto in_groups = [&](auto&& set, auto&& erase) {
    for (size_t i = 0; i < keys.size(); ++i) {
      const std::string& tag = tags[i / kItemsPerTag % tag_count];
      set(keys[i], tag);
      if (i % kItemsPerTag == kItemsPerTag - 1) erase(tag);
    }
  };
  compare("100 sets, and an erasure", rounds, keys.size(),
          {{"erase_tag",
            [&] {
              in_groups(
                  [&](const std::string& key, const std::string& tag) { tagged->set(key, value, {.tags = tag}); },
                  [&](const std::string& tag) { erase_tag(*tagged, tag); });
            }},
           {"by hand", [&] {
              in_groups([&](const std::string& key, const std::string& tag) { by_hand.set(key, value, tag); },
                        [&](const std::string& tag) { by_hand.erase_tag(tag); });
            }}});
  if (sum == 0) fmt::print("nothing was read\n");
}

}  // namespace larder::bench
