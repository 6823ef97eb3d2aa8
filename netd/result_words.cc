#include "netd/result_words.h"

#include "netd/meta_reply.h"
#include "netd/reply_words.h"

namespace netd {

std::string_view reply_to(larder::StoreResult result) {
  switch (result) {
    case larder::StoreResult::kStored:
      return kReplyStored;
    case larder::StoreResult::kNotStored:
      return kReplyNotStored;
    case larder::StoreResult::kExists:
      return kReplyExists;
    case larder::StoreResult::kNotFound:
      return kReplyNotFound;
    case larder::StoreResult::kTooLarge:
      return kErrorTooLarge;
    case larder::StoreResult::kNoMemory:
      return kErrorNoMemoryStoring;
    case larder::StoreResult::kBadKey:
      return kErrorBadFormat;
  }
  return kErrorUnknown;
}

std::string_view reply_to(larder::CounterStatus status) {
  switch (status) {
    case larder::CounterStatus::kNotANumber:
      return kErrorNotANumber;
    case larder::CounterStatus::kNoMemory:
      return kErrorNoMemory;
    case larder::CounterStatus::kBadKey:
      return kErrorBadFormat;
    default:
      return kReplyNotFound;
  }
}

std::string_view code_of(larder::StoreResult result) {
  switch (result) {
    case larder::StoreResult::kStored:
      return kMetaDone;
    case larder::StoreResult::kNotStored:
      return kMetaNotStored;
    case larder::StoreResult::kExists:
      return kMetaExists;
    case larder::StoreResult::kNotFound:
      return kMetaNotFound;
    default:
      return {};
  }
}

std::string_view code_of(larder::EraseResult result) {
  switch (result) {
    case larder::EraseResult::kErased:
      return kMetaDone;
    case larder::EraseResult::kExists:
      return kMetaExists;
    case larder::EraseResult::kNotFound:
      break;
  }
  return kMetaNotFound;
}

std::string_view code_of(larder::CounterStatus status) {
  switch (status) {
    case larder::CounterStatus::kDone:
    case larder::CounterStatus::kCreated:
      return kMetaDone;
    case larder::CounterStatus::kNotFound:
      return kMetaNotFound;
    case larder::CounterStatus::kExists:
      return kMetaExists;
    default:
      return {};
  }
}

}  // namespace netd
