#include "netd/key_dump.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "larder/serving.h"
#include "netd/base64.h"
#include "netd/item_class.h"
#include "netd/key_text.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

// Enough for a step to be worth its while, and little enough that what it appends stays below 64 KiB.
constexpr size_t kItemsPerStep = 64;
constexpr int kStepsPerPart = 8;
constexpr size_t kLinesBytes = 16 << 10;
constexpr size_t kCacheDumpBytesMax = 2 << 20;
// A dump of which nothing is read for longer gives way to another.
constexpr int64_t kUnreadMsMax = 1000;

// The UNIX time at which an item expires, in whole seconds; `never` if it does not.
int64_t expiry_unix_s(const larder::ItemInfo& item, int64_t now_unix_ms, int64_t never) {
  return item.ttl_ms == larder::kNeverExpires ? never : (now_unix_ms + item.ttl_ms) / 1000;
}

std::string meta_line(const larder::ItemInfo& item, int64_t now_unix_ms) {
  return fmt::format("key={} exp={} la={} cas={} fetch={} cls={} size={} flags={} \n", percent_encoded(item.key),
                     expiry_unix_s(item, now_unix_ms, -1), now_unix_ms / 1000 - item.idle_s, item.cas,
                     item.is_read ? "yes" : "no", class_of(item.key, item.value_bytes), item.stored_bytes,
                     item.flags);
}

std::string meta_get_line(const larder::ItemInfo& item) {
  std::string line = "mg ";
  if (is_plain_key(item.key)) {
    line += item.key;
  } else {
    line += base64_encode(item.key) + " b";
  }
  line += "\r\n";
  return line;
}

class KeyDump : public Report {
 public:
  // `turn` is its to end.
  KeyDump(ServerState& server, uint64_t turn, DumpFormat format, std::string prefix)
      : server_(server), turn_(turn), format_(format), prefix_(std::move(prefix)) {}
  ~KeyDump() override { server_.crawler_turn().end(turn_); }

  bool append_part(Buffer& out) override {
    is_cut_short_ = !prolong();
    if (is_cut_short_) {
      out.append(kErrorDumpUnread);
      return true;
    }
    if (!std::exchange(begun_, true)) out.append(kReplyOk);
    const int64_t now_unix_ms = server_.clock().unix_ms();
    std::string lines;
    uint64_t seen = 0;
    bool goes_on = true;
    for (int steps = 0; goes_on && steps < kStepsPerPart && lines.size() < kLinesBytes; ++steps) {
      goes_on = larder::scan(server_.cache(), cursor_, kItemsPerStep, [&](const larder::ItemInfo& item) {
        ++seen;
        if (!item.key.starts_with(prefix_)) return;
        lines += format_ == DumpFormat::kMeta ? meta_line(item, now_unix_ms) : meta_get_line(item);
      });
    }
    server_.crawled_items.fetch_add(seen, std::memory_order_relaxed);
    out.append(lines);
    if (!goes_on) out.append(format_ == DumpFormat::kMeta ? kReplyEnd : kReplyMetaMissing);
    return !goes_on;
  }

  void note_taking() override { (void)prolong(); }
  [[nodiscard]] bool is_cut_short() const override { return is_cut_short_; }

 private:
  // False: it has given way.
  [[nodiscard]] bool prolong() {
    return server_.crawler_turn().prolong(turn_, server_.clock().monotonic_ms() + kUnreadMsMax);
  }

  ServerState& server_;
  const uint64_t turn_;
  const DumpFormat format_;
  const std::string prefix_;
  larder::ScanCursor cursor_;
  bool begun_ = false;
  bool is_cut_short_ = false;
};

class CacheDump : public Report {
 public:
  CacheDump(ServerState& server, uint32_t item_class, uint64_t items_max)
      : server_(server), item_class_(item_class), items_left_(items_max > 0 ? items_max : UINT64_MAX) {}

  bool append_part(Buffer& out) override {
    const int64_t now_unix_ms = server_.clock().unix_ms();
    std::string lines;
    const bool goes_on = larder::scan(server_.cache(), cursor_, kItemsPerStep, [&](const larder::ItemInfo& item) {
      if (items_left_ == 0 || !is_plain_key(item.key)) return;
      if (class_of(item.key, item.value_bytes) != item_class_) return;
      const std::string line =
          fmt::format("ITEM {} [{} b; {} s]\r\n", item.key, item.value_bytes, expiry_unix_s(item, now_unix_ms, 0));
      if (bytes_ + line.size() > kCacheDumpBytesMax) {
        items_left_ = 0;
        return;
      }
      --items_left_;
      bytes_ += line.size();
      lines += line;
    });
    out.append(lines);
    if (goes_on && items_left_ > 0) return false;
    out.append(kReplyEnd);
    return true;
  }

 private:
  ServerState& server_;
  const uint32_t item_class_;
  uint64_t items_left_;
  size_t bytes_ = 0;
  larder::ScanCursor cursor_;
};

}  // namespace

std::unique_ptr<Report> make_key_dump(ServerState& server, DumpFormat format, std::string prefix) {
  const int64_t now_ms = server.clock().monotonic_ms();
  const uint64_t turn = server.crawler_turn().begin(now_ms, now_ms + kUnreadMsMax);
  if (turn == 0) return nullptr;
  server.crawler_starts.fetch_add(1, std::memory_order_relaxed);
  return std::make_unique<KeyDump>(server, turn, format, std::move(prefix));
}

std::unique_ptr<Report> make_cache_dump(ServerState& server, uint32_t item_class, uint64_t items_max) {
  return std::make_unique<CacheDump>(server, item_class, items_max);
}

}  // namespace netd
