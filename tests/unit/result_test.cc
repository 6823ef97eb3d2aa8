#include "larder/result.h"

#include <sstream>

#include "doctest/doctest.h"
#include "larder/fmt.h"
#include "larder/item_details.h"
#include "larder/removal_listener.h"

namespace larder {
namespace {

TEST_CASE("each result of a store has its words") {
  CHECK(to_string(StoreResult::kStored) == "stored");
  CHECK(to_string(StoreResult::kNotStored) == "not stored");
  CHECK(to_string(StoreResult::kExists) == "exists");
  CHECK(to_string(StoreResult::kNotFound) == "not found");
  CHECK(to_string(StoreResult::kTooLarge) == "too large");
  CHECK(to_string(StoreResult::kNoMemory) == "no memory");
  CHECK(to_string(StoreResult::kBadKey) == "bad key");
}

TEST_CASE("each result of an erase has its words") {
  CHECK(to_string(EraseResult::kErased) == "erased");
  CHECK(to_string(EraseResult::kNotFound) == "not found");
  CHECK(to_string(EraseResult::kExists) == "exists");
}

TEST_CASE("each status of a counter has its words") {
  CHECK(to_string(CounterStatus::kDone) == "done");
  CHECK(to_string(CounterStatus::kCreated) == "created");
  CHECK(to_string(CounterStatus::kNotFound) == "not found");
  CHECK(to_string(CounterStatus::kNotANumber) == "not a number");
  CHECK(to_string(CounterStatus::kNoMemory) == "no memory");
  CHECK(to_string(CounterStatus::kBadKey) == "bad key");
}

TEST_CASE("each status of an update has its words") {
  CHECK(to_string(UpdateStatus::kStored) == "stored");
  CHECK(to_string(UpdateStatus::kErased) == "erased");
  CHECK(to_string(UpdateStatus::kLeft) == "left");
  CHECK(to_string(UpdateStatus::kTooLarge) == "too large");
  CHECK(to_string(UpdateStatus::kNoMemory) == "no memory");
  CHECK(to_string(UpdateStatus::kBadKey) == "bad key");
}

TEST_CASE("what is printed of an enumeration is its words") {
  std::ostringstream out;
  out << StoreResult::kStored << ", " << EraseResult::kErased << ", " << CounterStatus::kDone << ", "
      << UpdateStatus::kLeft << ", " << StoreMode::kAppend << ", " << Presence::kFlushed << ", " << Removal::kExpired;
  CHECK(out.str() == "stored, erased, done, left, append, flushed, expired");
  CHECK(fmt::format("{}, {:>8}", StoreResult::kTooLarge, Removal::kEvicted) == "too large,  evicted");
}

TEST_CASE("a counter's result is not found and zero until something is said") {
  constexpr CounterResult kNothing;
  CHECK(kNothing.status == CounterStatus::kNotFound);
  CHECK(kNothing.value == 0);
}

}  // namespace
}  // namespace larder
