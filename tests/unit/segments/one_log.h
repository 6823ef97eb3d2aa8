// A small log, for tests of what keeps and what chooses its segments.
#ifndef LARDER_TESTS_UNIT_SEGMENTS_ONE_LOG_H_
#define LARDER_TESTS_UNIT_SEGMENTS_ONE_LOG_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/internal/policy/victims.h"
#include "larder/internal/segments/log.h"

namespace larder::internal {

inline const size_t kOsPageBytes = os_page_bytes();
// As small as they can be.
inline const size_t kSegmentBytes = std::max(size_t{8} << 10, kOsPageBytes);
inline const size_t kLimitBytes = 128 * kSegmentBytes;
inline const size_t kLargestSmall = kSegmentBytes / 4;

struct Stored {
  uint64_t address = 0;
  size_t bytes = 0;
};

inline AddressSpace space_for(const Account& account) {
  const size_t limit = account.limit();
  return AddressSpace::reserve(limit, [limit](const Extent& extent) { return Log::address_bytes(extent, limit); })
      .value();
}

// A log and records in it, which all have the key "k".
class OneLog {
 public:
  explicit OneLog(size_t limit_bytes = kLimitBytes) : account_(limit_bytes) {
    AddressSpace space = space_for(account_);
    absl::StatusOr<std::unique_ptr<Log>> log = Log::create(account_, space);
    REQUIRE(log.ok());
    log_ = *std::move(log);
    victims_.emplace(*log_);
  }
  Log* operator->() { return log_.get(); }
  [[nodiscard]] Account& account() { return account_; }

  [[nodiscard]] std::optional<Reservation> reserve(size_t bytes, Chain chain = Chain::kSmall,
                                                   int64_t deadline_ms = kNeverMs,
                                                   Log::For whom = Log::For::kStore) {
    return log_->try_reserve(bytes, chain, deadline_ms, 0, whom);
  }

  // A record of just so many bytes.
  Stored fill(const Reservation& place, size_t bytes, int64_t deadline_ms = kNeverMs) {
    const size_t fields = deadline_ms < kNeverMs ? 10 : 5;
    const std::string value(bytes - fields, 'v');
    const Content content{.value = value, .deadline_ms = deadline_ms};
    const Record record = Record::create(log_->at(place.address), place.room_bytes, place.is_large, "k", content);
    REQUIRE(record.live_bytes() == bytes);
    log_->commit(place, bytes);
    return {place.address, bytes};
  }

  [[nodiscard]] std::optional<Stored> try_put(size_t bytes, Chain chain = Chain::kSmall,
                                              int64_t deadline_ms = kNeverMs) {
    const std::optional<Reservation> place = reserve(bytes, chain, deadline_ms);
    return place ? std::optional(fill(*place, bytes, deadline_ms)) : std::nullopt;
  }

  Stored put(size_t bytes, Chain chain = Chain::kSmall, int64_t deadline_ms = kNeverMs) {
    const std::optional<Stored> stored = try_put(bytes, chain, deadline_ms);
    REQUIRE(stored.has_value());
    return *stored;
  }

  // A sealed segment full of records, all live; the segment that is open then is a new one with one record.
  std::vector<Stored> put_segment(Chain chain = Chain::kSmall, int64_t deadline_ms = kNeverMs) {
    std::vector<Stored> all;
    for (size_t i = 0; i < kSegmentBytes / kLargestSmall; ++i)
      all.push_back(put(kLargestSmall, chain, deadline_ms));
    return all;
  }

  void remove(const Stored& stored) { log_->remove_live(stored.address, stored.bytes); }

  [[nodiscard]] SegmentState state(SegmentId id) { return log_->segment(id).state.load(std::memory_order_relaxed); }
  [[nodiscard]] SegmentState state(const Stored& stored) { return state(segment_of(stored)); }
  [[nodiscard]] Chain chain(SegmentId id) { return log_->segment(id).chain.load(); }
  [[nodiscard]] SegmentId segment_of(const Stored& stored) { return log_->segment_of(stored.address); }

  [[nodiscard]] std::optional<Victim> take_victim(bool may_evict, int64_t now_ms = 0) {
    return victims_->take(now_ms, may_evict, false, lack_);
  }
  void fill_main() { victims_->fill_main(); }
  void clear_fill() { victims_->clear_fill(); }
  [[nodiscard]] bool is_busy() const { return lack_ != Lack::kOfItems; }

  [[nodiscard]] std::string problem() {
    const absl::Status status = log_->assert_valid();
    return status.ok() ? "" : std::string(status.message());
  }

 private:
  Account account_;
  std::unique_ptr<Log> log_;
  std::optional<Victims> victims_;
  Lack lack_ = Lack::kOfItems;
};

// --- room --------------------------------------------------------------------------------------------------

}  // namespace larder::internal

#endif  // LARDER_TESTS_UNIT_SEGMENTS_ONE_LOG_H_
