// What the replies to a connection's requests have to be: predicted with the oracle of tests/model, byte by byte,
// but for what is the server's to choose.
//
// Requests are judged in the order in which they were executed, with the clock as it stood then. What cannot be
// predicted from requests and replies alone makes the judge lose track, and nothing is judged from then on:
//   - a request without a reply, about an item that may have been evicted, or whose CAS number it has to be
//   compared
//     with has never been shown;
//   - a request that found no memory, and `watch`.
// Of statistics, dumps and `me` only the beginning and the end are looked at.
#ifndef TESTS_FUZZ_JUDGE_H_
#define TESTS_FUZZ_JUDGE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "larder/clock.h"
#include "model/oracle.h"
#include "netd/request.h"
#include "pattern.h"

namespace netd::fuzz {

class Judge {
 public:
  Judge(const larder::Clock& clock, size_t item_bytes_max) : clock_(clock), oracle_(clock, item_bytes_max) {}

  // Takes the reply to `request` off the front of `replies`; ends the program if it is not as it has to be.
  // `may_evict`: so much has been sent that items may be gone, and memory short.
  void judge(const Request& request, bool may_evict, std::string_view& replies);

  [[nodiscard]] bool has_lost_track() const { return has_lost_track_; }

  // The last CAS number that was shown.
  [[nodiscard]] uint64_t last_cas() const { return last_cas_; }

 private:
  using Entry = larder::model::Entry;
  // Changes the oracle as the request changes the cache, and returns what is replied.
  using Predict = std::function<Pattern()>;
  enum class Comparison : uint8_t { kEqual, kDifferent, kGreater };

  void judge_retrieval(const Request& request);
  void judge_lines(std::string_view last);
  void judge_administration(const Request& request);
  Pattern store(const Request& request);
  Pattern count(const Request& request);
  Pattern touch(const Request& request);
  Pattern erase(const Request& request);
  Pattern meta_get(const Request& request);
  Pattern meta_store(const Request& request);
  Pattern meta_delete(const Request& request);
  Pattern meta_count(const Request& request);

  void agree(const Request& request, std::string_view key, const Predict& predict);
  bool take(std::string_view key, const Pattern& pattern);
  [[nodiscard]] Pattern unless_noreply(const Request& request, std::string_view line);
  [[nodiscard]] Comparison compare(const std::string& key, uint64_t number, std::string_view if_different);
  [[nodiscard]] int64_t deadline_of(int32_t exptime) const;
  void changed(const std::string& key, uint64_t cas);
  void add_cas(const std::string& key, Pattern& pattern);
  struct Shown;
  void add_flags(const Request& request, const Shown& shown, Pattern& pattern);
  Pattern bare(std::string_view code, const Request& request);

  const larder::Clock& clock_;
  larder::model::Oracle oracle_;
  std::unordered_map<std::string, uint64_t> cas_;      // as they are now, where they have been shown
  std::unordered_map<std::string, uint64_t> own_cas_;  // the last that the cache has chosen, as far as known
  std::unordered_set<std::string> binary_keys_;        // whose items were made with base64
  std::string_view* replies_ = nullptr;
  bool may_evict_ = false;
  bool has_lost_track_ = false;
  uint64_t last_cas_ = 0;
};

}  // namespace netd::fuzz

#endif  // TESTS_FUZZ_JUDGE_H_
