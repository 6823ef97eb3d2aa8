#include "netd/prefix_stats.h"

#include <fmt/format.h>

#include "netd/reply_words.h"

namespace netd {

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

void PrefixStats::add_to(Table& sum) const {
  const larder::internal::MutexLock lock(mutex_);
  for (const auto& [prefix, counts] : table_) {
    PrefixCounts& total = sum[prefix];
    total.gets += counts.gets;
    total.hits += counts.hits;
    total.sets += counts.sets;
    total.deletes += counts.deletes;
  }
}

void PrefixStats::reset() {
  const larder::internal::MutexLock lock(mutex_);
  table_.clear();
}

PrefixCounts* PrefixStats::counts_of(std::string_view key) {
  const size_t end = key.find(delimiter_);
  if (end == std::string_view::npos) return nullptr;
  const std::string_view prefix = key.substr(0, end);
  if (const auto found = table_.find(prefix); found != table_.end()) return &found->second;
  if (table_.size() >= kPrefixesMax) return nullptr;
  return &table_[std::string(prefix)];
}

std::string prefix_text(const PrefixStats::Table& table) {
  std::string text;
  for (const auto& [prefix, counts] : table) {
    text += fmt::format("PREFIX {} get {} hit {} set {} del {}\r\n", prefix, counts.gets, counts.hits, counts.sets,
                        counts.deletes);
  }
  text += kReplyEnd;
  return text;
}

}  // namespace netd
