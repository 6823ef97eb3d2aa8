#include "netd/meta_reply.h"

#include <doctest/doctest.h>

#include <string>

namespace netd {
namespace {

class Written {
 public:
  std::string operator()(const MetaReply& reply, std::string_view flags) {
    Buffer out(pool_);
    CHECK(append_meta(reply, flags, out));
    return std::string(out.content());
  }

 private:
  BufferPool pool_{[](int64_t) { return true; }};
};

MetaReply hit() {
  MetaReply reply;
  reply.code = kMetaDone;
  reply.key = "foo";
  reply.value_bytes = 5;
  reply.client_flags = UINT32_MAX;
  reply.cas = UINT64_MAX;
  reply.was_fetched = 1;
  reply.idle_s = 7;
  reply.ttl_ms = 30'000;
  reply.previous_ttl_ms = 9'001;
  return reply;
}

TEST_CASE("a reply follows the flags of the request in their order") {
  Written written;
  CHECK(written(hit(), "") == "HD\r\n");
  CHECK(written(hit(), "s k Oabc f h l c") == "HD s5 kfoo Oabc f4294967295 h1 l7 c18446744073709551615\r\n");
  CHECK(written(hit(), " c1  sxx q v N5 P L ") == "HD c18446744073709551615 s5\r\n");
}

TEST_CASE("the time left is that of before or after T, rounded up to seconds") {
  Written written;
  CHECK(written(hit(), "t T30") == "HD t10\r\n");
  CHECK(written(hit(), "T30 t") == "HD t30\r\n");
  MetaReply reply = hit();
  reply.previous_ttl_ms = larder::kNeverExpires;
  CHECK(written(reply, "t") == "HD t-1\r\n");
  reply.previous_ttl_ms = 0;
  CHECK(written(reply, "t") == "HD t0\r\n");
  reply.previous_ttl_ms = 1;
  CHECK(written(reply, "t") == "HD t1\r\n");
}

TEST_CASE("what a reply does not know is left out") {
  Written written;
  MetaReply miss;
  miss.code = kMetaMissing;
  miss.key = "foo";
  CHECK(written(miss, "s t f c h l k O1") == "EN kfoo O1\r\n");
}

TEST_CASE("a value comes with its length behind the code, and may be empty") {
  Written written;
  MetaReply reply = hit();
  reply.code = kMetaValue;
  reply.value = "a\r\nb";
  CHECK(written(reply, "k") == "VA 4 kfoo\r\na\r\nb\r\n");
  reply.value = "";
  CHECK(written(reply, "") == "VA 0\r\n\r\n");
}

TEST_CASE("who won and what is stale comes last") {
  Written written;
  MetaReply reply = hit();
  reply.was_won = true;
  reply.is_stale = true;
  CHECK(written(reply, "s") == "HD s5 Z X\r\n");
  reply.was_won = false;
  reply.has_won = true;
  CHECK(written(reply, "") == "HD X W\r\n");
}

TEST_CASE("a binary key is shown in base64, with a b of its own") {
  Written written;
  MetaReply reply = hit();
  reply.is_key_binary = true;
  CHECK(written(reply, "k O1") == "HD kZm9v b O1\r\n");
}

TEST_CASE("without memory for it nothing is appended") {
  BufferPool pool([](int64_t bytes) { return bytes <= 0; });
  Buffer out(pool);
  CHECK_FALSE(append_meta(hit(), "k", out));
  CHECK_FALSE(append_meta_debug("foo", {}, out));
  CHECK(out.empty());
}

TEST_CASE("what is known of an item comes under memcached's names first") {
  BufferPool pool([](int64_t) { return true; });
  Buffer out(pool);
  CHECK(append_meta_debug("foo",
                          {.value_bytes = 3,
                           .item_bytes = 16,
                           .flags = 9,
                           .cas = 4,
                           .ttl_ms = 1'500,
                           .is_won = true,
                           .is_key_binary = true,
                           .was_fetched = true,
                           .idle_s = 8,
                           .frequency = 2,
                           .stripe = 5,
                           .segment = 6},
                          out));
  CHECK(out.content() ==
        "ME Zm9v exp=2 la=8 cas=4 fetch=yes cls=1 size=16 ttl_ms=1500 shard=5 segment=6 freq=2 stale=no won=yes "
        "flags=9 vlen=3\r\n");
}

}  // namespace
}  // namespace netd
