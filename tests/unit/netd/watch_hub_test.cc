#include "netd/watch_hub.h"

#include <doctest/doctest.h>

#include <string>

namespace netd {
namespace {

struct Fixture {
  // Everything in the watcher's queue.
  std::string taken_from(Watcher& watcher) {
    Buffer out(pool);
    while (watcher.take(out)) {
    }
    return std::string(out.content());
  }

  BufferPool pool{[](int64_t) { return true; }};
  WatchHub hub{200};
};

TEST_CASE("a watcher gets the kinds of lines that it watches for") {
  Fixture fixture;
  CHECK_FALSE(fixture.hub.wants(kWatchFetchers));
  const auto fetchers = fixture.hub.add(kWatchFetchers);
  const auto both = fixture.hub.add(kWatchFetchers | kWatchEvictions);
  CHECK(fixture.hub.wants(kWatchFetchers));
  CHECK_FALSE(fixture.hub.wants(kWatchMutations));
  fixture.hub.tell(kWatchFetchers, 1234056, "one");
  fixture.hub.tell(kWatchEvictions, 1234056, "two");
  CHECK(fixture.taken_from(*fetchers) == "ts=1234.056000 gid=1 type=one\n");
  CHECK(fixture.taken_from(*both) == "ts=1234.056000 gid=1 type=one\nts=1234.056000 gid=2 type=two\n");
  fixture.hub.remove(both);
  CHECK_FALSE(fixture.hub.wants(kWatchEvictions));
  CHECK(fixture.hub.counts().written == 2);
  CHECK(fixture.hub.counts().sent == 3);
  CHECK(fixture.hub.counts().watchers == 1);
}

TEST_CASE("a full queue skips lines, and says how many when there is room again") {
  Fixture fixture;
  const auto watcher = fixture.hub.add(kWatchFetchers);
  const std::string text(80, 'x');
  for (int i = 0; i < 5; ++i) fixture.hub.tell(kWatchFetchers, 0, text);
  CHECK(fixture.hub.counts().skipped == 4);
  CHECK(fixture.taken_from(*watcher).find("skipped") == std::string::npos);
  fixture.hub.tell(kWatchFetchers, 0, "after");
  CHECK(fixture.taken_from(*watcher) == "skipped=4\nts=0.000000 gid=6 type=after\n");
}

TEST_CASE("a watcher is woken once for what it has not taken yet") {
  Fixture fixture;
  const auto watcher = fixture.hub.add(kWatchFetchers);
  int wakes = 0;
  watcher->on_wake([&] { ++wakes; });
  fixture.hub.tell(kWatchFetchers, 0, "a");
  fixture.hub.tell(kWatchFetchers, 0, "b");
  CHECK(wakes == 1);
  fixture.taken_from(*watcher);
  fixture.hub.tell(kWatchFetchers, 0, "c");
  CHECK(wakes == 2);
}

TEST_CASE("twenty watch, and no more") {
  Fixture fixture;
  for (size_t i = 0; i < WatchHub::kWatchersMax; ++i) CHECK(fixture.hub.add(kWatchFetchers) != nullptr);
  CHECK(fixture.hub.add(kWatchFetchers) == nullptr);
}

TEST_CASE("words that memcached knows are known") {
  CHECK(watch_events_of("evictions") == kWatchEvictions);
  CHECK(watch_events_of("proxyreqs") == kWatchOther);
  CHECK_FALSE(watch_events_of("fetcher"));
}

}  // namespace
}  // namespace netd
