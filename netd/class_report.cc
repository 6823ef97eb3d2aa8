#include "netd/class_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <map>
#include <string_view>

#include "larder/scan.h"
#include "larder/serving.h"
#include "netd/class_counters.h"
#include "netd/item_class.h"
#include "netd/reply.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

constexpr size_t kItemsPerPart = 256;
// Of more items only so many are looked at, and stand for all of them.
constexpr double kSampleItems = 1 << 17;
constexpr size_t kSizeStepBytes = 32;  // of stats sizes

struct ClassSum {
  uint64_t items = 0;
  uint64_t bytes = 0;
  uint32_t idle_s_max = 0;
};

class ClassReport : public Report {
 public:
  ClassReport(ServerState& server, ClassReportKind kind) : server_(server), kind_(kind) {
    const auto items = static_cast<double>(server.cache().stats().items);
    if (items > kSampleItems) cursor_ = larder::ScanCursor::sample(kSampleItems / items);
  }

  bool append_part(Buffer& out) override {
    const bool goes_on =
        larder::scan(server_.cache(), cursor_, kItemsPerPart, [this](const larder::ItemInfo& item) { add(item); });
    if (goes_on) return false;
    extrapolate();
    switch (kind_) {
      case ClassReportKind::kItems:
        append_items(out);
        break;
      case ClassReportKind::kSlabs:
        append_slabs(out);
        break;
      case ClassReportKind::kSizes:
        for (const auto& [bytes, count] : sizes_) append_stat(fmt::format("{}", bytes), count, out);
        break;
    }
    out.append(kReplyEnd);
    return true;
  }

 private:
  void add(const larder::ItemInfo& item) {
    ClassSum& sum = sums_[class_of(item.key, item.value_bytes)];
    ++sum.items;
    sum.bytes += item.stored_bytes;
    sum.idle_s_max = std::max(sum.idle_s_max, item.idle_s);
    if (kind_ == ClassReportKind::kSizes) {
      ++sizes_[(item.stored_bytes + kSizeStepBytes - 1) / kSizeStepBytes * kSizeStepBytes];
    }
  }

  // From those looked at to all items.
  void extrapolate() {
    const auto scale = [this](uint64_t& number) {
      number = static_cast<uint64_t>(std::llround(static_cast<double>(number) / cursor_.share()));
    };
    for (ClassSum& sum : sums_) {
      scale(sum.items);
      scale(sum.bytes);
    }
    for (auto& [bytes, items] : sizes_) scale(items);
  }

  [[nodiscard]] uint64_t count(ItemClass item_class, ClassCounter counter) const {
    return server_.sum(item_class, counter);
  }

  void append_items(Buffer& out) const {
    for (ItemClass c = 1; c <= kItemClassMax; ++c) {
      if (is_known(c)) append_items_of(c, out);
    }
  }

  void append_items_of(ItemClass c, Buffer& out) const {
    const auto stat = [&](std::string_view name, uint64_t value) {
      append_stat(fmt::format("items:{}:{}", c, name), value, out);
    };
    const auto zeros = [&](std::initializer_list<std::string_view> names) {
      for (const std::string_view name : names) stat(name, 0);
    };
    // There is one queue for all that memcached keeps three for.
    stat("number", sums_[c].items);
    zeros({"number_hot", "number_warm"});
    stat("number_cold", sums_[c].items);
    zeros({"age_hot", "age_warm"});
    stat("age", sums_[c].idle_s_max);
    stat("mem_requested", sums_[c].bytes);
    stat("evicted", count(c, ClassCounter::kEvicted));
    stat("evicted_nonzero", count(c, ClassCounter::kEvictedMortal));
    stat("evicted_time", server_.removal_log().evicted_idle_s(c));
    stat("outofmemory", count(c, ClassCounter::kOutOfMemory));
    zeros({"tailrepairs"});
    stat("reclaimed", count(c, ClassCounter::kExpired));
    stat("expired_unfetched", count(c, ClassCounter::kExpiredUnread));
    stat("evicted_unfetched", count(c, ClassCounter::kEvictedUnread));
    stat("evicted_active", count(c, ClassCounter::kEvictedActive));
    zeros({"crawler_reclaimed", "crawler_items_checked", "lrutail_reflocked", "moves_to_cold", "moves_to_warm",
           "moves_within_lru", "direct_reclaims", "hits_to_hot", "hits_to_warm"});
    stat("hits_to_cold", count(c, ClassCounter::kGetHits));
    zeros({"hits_to_temp"});
  }

  // A page is a segment; the free room is every class's in proportion to what it holds.
  void append_slabs(Buffer& out) const {
    const larder::Stats stats = server_.cache().stats();
    uint64_t total_bytes = 0;
    for (const ClassSum& sum : sums_) total_bytes += sum.bytes;
    uint64_t active = 0;
    for (ItemClass c = 1; c <= kItemClassMax; ++c) {
      if (!is_known(c)) continue;
      ++active;
      const uint64_t free_bytes =
          total_bytes == 0
              ? 0
              : static_cast<uint64_t>(static_cast<double>(stats.free_bytes + stats.dead_bytes) *
                                      static_cast<double>(sums_[c].bytes) / static_cast<double>(total_bytes));
      append_slab(c, free_bytes / class_bytes_max(c), stats.segment_bytes, out);
    }
    append_stat("active_slabs", active, out);
    append_stat("total_malloced", stats.live_bytes + stats.dead_bytes + stats.free_bytes + stats.large_bytes, out);
  }

  void append_slab(ItemClass c, uint64_t free_chunks, uint64_t page_bytes, Buffer& out) const {
    const auto stat = [&](std::string_view name, uint64_t value) {
      append_stat(fmt::format("{}:{}", c, name), value, out);
    };
    const uint64_t items = sums_[c].items;
    stat("chunk_size", class_bytes_max(c));
    stat("chunks_per_page", std::max<uint64_t>(page_bytes / class_bytes_max(c), 1));
    stat("total_pages", items == 0 ? 0 : (sums_[c].bytes + page_bytes - 1) / page_bytes);
    stat("total_chunks", items + free_chunks);
    stat("used_chunks", items);
    stat("free_chunks", free_chunks);
    stat("free_chunks_end", 0);
    stat("get_hits", count(c, ClassCounter::kGetHits));
    stat("cmd_set", count(c, ClassCounter::kStores));
    stat("delete_hits", count(c, ClassCounter::kDeleteHits));
    stat("incr_hits", count(c, ClassCounter::kIncrHits));
    stat("decr_hits", count(c, ClassCounter::kDecrHits));
    stat("cas_hits", count(c, ClassCounter::kCasHits));
    stat("cas_badval", count(c, ClassCounter::kCasBadval));
    stat("touch_hits", count(c, ClassCounter::kTouchHits));
  }

  // There are such items, or there have been: a sample may have none of the few there are.
  [[nodiscard]] bool is_known(ItemClass c) const {
    if (sums_[c].items > 0) return true;
    for (size_t i = 0; i < static_cast<size_t>(ClassCounter::kCount); ++i) {
      if (count(c, static_cast<ClassCounter>(i)) > 0) return true;
    }
    return false;
  }

  ServerState& server_;
  const ClassReportKind kind_;
  larder::ScanCursor cursor_;
  std::array<ClassSum, kItemClassMax + 1> sums_{};
  std::map<size_t, uint64_t> sizes_;
};

}  // namespace

std::unique_ptr<Report> make_class_report(ServerState& server, ClassReportKind kind) {
  return std::make_unique<ClassReport>(server, kind);
}

}  // namespace netd
