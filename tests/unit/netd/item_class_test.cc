#include "netd/item_class.h"

#include <doctest/doctest.h>

namespace netd {
namespace {

TEST_CASE("each class goes up to twice as much as the one before") {
  CHECK(class_of(0) == 1);
  CHECK(class_of(1) == 1);
  for (ItemClass c = 1; c < kItemClassMax; ++c) {
    CAPTURE(c);
    CHECK(class_of(class_bytes_max(c)) == c);
    CHECK(class_of(class_bytes_max(c) + 1) == c + 1);
  }
  CHECK(class_bytes_max(1) == 64);
  CHECK(class_of("four", 60) == 1);
  CHECK(class_of("four", 61) == 2);
}

}  // namespace
}  // namespace netd
