#include "netd/prefix_stats.h"

#include <utility>

namespace netd {
namespace {

// What a prefix takes besides its bytes: a node of the map, and malloc's part of it and of the string.
constexpr size_t kEntryBytes = 128;

}  // namespace

void PrefixStats::count_get(std::string_view key, bool hit) {
  const larder::internal::MutexLock lock(mutex_);
  if (PrefixCounts* const counts = counts_of(key)) {
    ++counts->gets;
    counts->hits += hit ? 1 : 0;
  }
}

void PrefixStats::count_set(std::string_view key) {
  const larder::internal::MutexLock lock(mutex_);
  if (PrefixCounts* const counts = counts_of(key)) ++counts->sets;
}

void PrefixStats::count_delete(std::string_view key) {
  const larder::internal::MutexLock lock(mutex_);
  if (PrefixCounts* const counts = counts_of(key)) ++counts->deletes;
}

std::optional<std::string> PrefixStats::add_some_to(Table& sum, const std::optional<std::string>& after,
                                                    size_t count) const {
  const larder::internal::MutexLock lock(mutex_);
  auto next = after ? table_.upper_bound(*after) : table_.begin();
  std::optional<std::string> last;
  for (; count > 0 && next != table_.end(); ++next, --count) {
    PrefixCounts& total = sum[next->first];
    total.gets += next->second.gets;
    total.hits += next->second.hits;
    total.sets += next->second.sets;
    total.deletes += next->second.deletes;
    last = next->first;
  }
  return last;
}

void PrefixStats::reset() {
  const larder::internal::MutexLock lock(mutex_);
  table_.clear();
  memory_.give(std::exchange(bytes_, 0));
}

PrefixCounts* PrefixStats::counts_of(std::string_view key) {
  const size_t end = key.find(delimiter_);
  if (end == std::string_view::npos) return nullptr;
  const std::string_view prefix = key.substr(0, end);
  if (const auto found = table_.find(prefix); found != table_.end()) return &found->second;
  const size_t bytes = kEntryBytes + prefix.size();
  if (table_.size() >= kPrefixesMax || bytes_ + bytes > bytes_max_ || !memory_.take(bytes)) return nullptr;
  bytes_ += bytes;
  return &table_[std::string(prefix)];
}

}  // namespace netd
