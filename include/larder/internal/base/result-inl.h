#ifndef LARDER_INTERNAL_BASE_RESULT_INL_H_
#define LARDER_INTERNAL_BASE_RESULT_INL_H_

#include "larder/api.h"
#include "larder/arguments.h"
#include "larder/item_details.h"
#include "larder/removal_listener.h"
#include "larder/result.h"

namespace larder {

LARDER_INLINE std::string_view to_string(StoreResult result) {
  switch (result) {
    case StoreResult::kStored:
      return "stored";
    case StoreResult::kNotStored:
      return "not stored";
    case StoreResult::kExists:
      return "exists";
    case StoreResult::kNotFound:
      return "not found";
    case StoreResult::kTooLarge:
      return "too large";
    case StoreResult::kNoMemory:
      return "no memory";
    case StoreResult::kBadKey:
      return "bad key";
  }
  return "";
}

LARDER_INLINE std::string_view to_string(EraseResult result) {
  switch (result) {
    case EraseResult::kErased:
      return "erased";
    case EraseResult::kNotFound:
      return "not found";
    case EraseResult::kExists:
      return "exists";
  }
  return "";
}

LARDER_INLINE std::string_view to_string(CounterStatus status) {
  switch (status) {
    case CounterStatus::kDone:
      return "done";
    case CounterStatus::kCreated:
      return "created";
    case CounterStatus::kExists:
      return "exists";
    case CounterStatus::kNotFound:
      return "not found";
    case CounterStatus::kNotANumber:
      return "not a number";
    case CounterStatus::kNoMemory:
      return "no memory";
    case CounterStatus::kBadKey:
      return "bad key";
  }
  return "";
}

LARDER_INLINE std::string_view to_string(UpdateStatus status) {
  switch (status) {
    case UpdateStatus::kStored:
      return "stored";
    case UpdateStatus::kErased:
      return "erased";
    case UpdateStatus::kLeft:
      return "left";
    case UpdateStatus::kTooLarge:
      return "too large";
    case UpdateStatus::kNoMemory:
      return "no memory";
    case UpdateStatus::kBadKey:
      return "bad key";
  }
  return "";
}

LARDER_INLINE std::string_view to_string(StoreMode mode) {
  switch (mode) {
    case StoreMode::kSet:
      return "set";
    case StoreMode::kAdd:
      return "add";
    case StoreMode::kReplace:
      return "replace";
    case StoreMode::kAppend:
      return "append";
    case StoreMode::kPrepend:
      return "prepend";
  }
  return "";
}

LARDER_INLINE std::string_view to_string(Presence presence) {
  switch (presence) {
    case Presence::kPresent:
      return "present";
    case Presence::kMissing:
      return "missing";
    case Presence::kExpired:
      return "expired";
    case Presence::kFlushed:
      return "flushed";
  }
  return "";
}

LARDER_INLINE std::string_view to_string(Removal why) {
  switch (why) {
    case Removal::kEvicted:
      return "evicted";
    case Removal::kExpired:
      return "expired";
    case Removal::kReplaced:
      return "replaced";
    case Removal::kErased:
      return "erased";
    case Removal::kFlushed:
      return "flushed";
  }
  return "";
}

}  // namespace larder

#endif  // LARDER_INTERNAL_BASE_RESULT_INL_H_
