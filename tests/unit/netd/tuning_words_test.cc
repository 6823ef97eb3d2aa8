#include "netd/tuning_words.h"

#include <doctest/doctest.h>

#include "netd/reply_words.h"

namespace netd {
namespace {

TEST_CASE("slabs") {
  CHECK(answer_slabs(Tokens("automove 2")) == kReplyOk);
  CHECK(answer_slabs(Tokens("automove 3")) == kErrorUnknown);
  CHECK(answer_slabs(Tokens("automove x")) == kErrorBadFormat);
  CHECK(answer_slabs(Tokens("automove ratio 0.5")) == kReplyOk);
  CHECK(answer_slabs(Tokens("automove ratio x")) == kErrorUnknown);
  CHECK(answer_slabs(Tokens("automove window 3")) == kReplyOk);
  CHECK(answer_slabs(Tokens("automove window 2")) == kErrorAutomoveWindow);
  CHECK(answer_slabs(Tokens("automove window 1800")) == kReplyOk);
  CHECK(answer_slabs(Tokens("automove window 1801")) == kErrorAutomoveWindow);
  CHECK(answer_slabs(Tokens("automove window x")) == kErrorBadFormat);
  CHECK(answer_slabs(Tokens("reassign -1 5")) == kErrorReassignDisabled);
  CHECK(answer_slabs(Tokens("reassign x 5")) == kErrorBadFormat);
  for (const char* const words : {"", "automove", "reassign 1", "foo"}) {
    CHECK(answer_slabs(Tokens(words)) == kErrorUnknown);
  }
}

TEST_CASE("lru") {
  CHECK(answer_lru(Tokens("tune 40 40 0.1 2.0")) == kReplyOk);
  CHECK(answer_lru(Tokens("tune 40 41 0.1 2.0")) == kErrorLruPercents);
  CHECK(answer_lru(Tokens("tune 40 40 0 2.0")) == kErrorLruFactors);
  CHECK(answer_lru(Tokens("mode segmented")) == kReplyOk);
  CHECK(answer_lru(Tokens("temp_ttl -1")) == kReplyOk);
  for (const char* const words : {"", "tune 1", "tune a b c d", "mode x", "temp_ttl x", "foo bar"}) {
    CHECK(answer_lru(Tokens(words)) == kErrorUnknown);
  }
}

TEST_CASE("lru_crawler") {
  CHECK(answer_lru_crawler(Tokens("sleep 1000000")) == kReplyOk);
  CHECK(answer_lru_crawler(Tokens("sleep 1000001")) == kErrorCrawlerSleep);
  CHECK(answer_lru_crawler(Tokens("sleep x")) == kErrorBadFormat);
  CHECK(answer_lru_crawler(Tokens("crawl 1,63")) == kReplyOk);
  CHECK(answer_lru_crawler(Tokens("crawl 0")) == kErrorBadClass);
  CHECK(answer_lru_crawler(Tokens("foo")) == kErrorUnknown);
}

TEST_CASE("a class list is all, hash, or numbers from 1 to 63") {
  for (const char* const text : {"all", "hash", "1", "63", "1,2,3"}) CHECK(is_class_list(text));
  for (const char* const text : {"", "0", "64", "1,", ",1", "1,x", "1, 2", "All"}) CHECK_FALSE(is_class_list(text));
}

}  // namespace
}  // namespace netd
