#include "larder/internal/segments/expiry_class.h"

#include <initializer_list>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("a class reaches to its bound, and the next begins a millisecond later") {
  for (const int64_t now_ms : {int64_t{0}, int64_t{123'456}}) {
    for (size_t i = 0; i < kExpiryClassBoundsMs.size(); ++i) {
      CHECK(expiry_class(now_ms + kExpiryClassBoundsMs[i], now_ms) == static_cast<int>(i));
      CHECK(expiry_class(now_ms + kExpiryClassBoundsMs[i] + 1, now_ms) == static_cast<int>(i) + 1);
    }
  }
}

TEST_CASE("what expires soonest has class 0, what is past its time too") {
  static_assert(expiry_class(1, 0) == 0);
  static_assert(expiry_class(0, 1'000'000) == 0);
}

TEST_CASE("the longest time left that is not never has the last class but one") {
  static_assert(expiry_class(kNeverMs - 1, 0) == kNeverExpiryClass - 1);
}

TEST_CASE("items that never expire have a class of their own") {
  static_assert(expiry_class(kNeverMs, 0) == kNeverExpiryClass);
  static_assert(expiry_class(kNeverMs, kNeverMs - 1) == kNeverExpiryClass);
  static_assert(kNeverExpiryClass + 1 == kExpiryClassCount);
}

TEST_CASE("more time left never means a lower class") {
  int before = 0;
  for (int64_t left_ms = 1; left_ms < kNeverMs; left_ms = left_ms * 3 / 2 + 1) {
    const int number = expiry_class(1000 + left_ms, 1000);
    CHECK(number >= before);
    CHECK(number < kNeverExpiryClass);
    before = number;
  }
}

}  // namespace
}  // namespace larder::internal
