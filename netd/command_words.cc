#include "netd/command_words.h"

#include <algorithm>
#include <array>

namespace netd {
namespace {

// The most frequent first.
constexpr auto kWords = std::to_array<Word>({
    {"get", Command::kGet, Shape::kRetrieval, 2},
    {"set", Command::kSet, Shape::kStorage, 5},
    {"mg", Command::kMetaGet, Shape::kMeta, 2},
    {"ms", Command::kMetaStore, Shape::kMetaStorage, 3},
    {"gets", Command::kGets, Shape::kRetrieval, 2},
    {"delete", Command::kDelete, Shape::kSimple, 2},
    {"add", Command::kAdd, Shape::kStorage, 5},
    {"incr", Command::kIncr, Shape::kSimple, 3},
    {"decr", Command::kDecr, Shape::kSimple, 3},
    {"touch", Command::kTouch, Shape::kSimple, 3},
    {"cas", Command::kCas, Shape::kStorage, 5},
    {"replace", Command::kReplace, Shape::kStorage, 5},
    {"append", Command::kAppend, Shape::kStorage, 5},
    {"prepend", Command::kPrepend, Shape::kStorage, 5},
    {"gat", Command::kGat, Shape::kRetrieval, 3},
    {"gats", Command::kGats, Shape::kRetrieval, 3},
    {"md", Command::kMetaDelete, Shape::kMeta, 2},
    {"ma", Command::kMetaArithmetic, Shape::kMeta, 2},
    {"mn", Command::kMetaNoop, Shape::kSimple, 1},
    {"version", Command::kVersion, Shape::kSimple, 1},
    {"stats", Command::kStats, Shape::kSimple, 1},
    {"flush_all", Command::kFlushAll, Shape::kSimple, 1},
    {"verbosity", Command::kVerbosity, Shape::kSimple, 2},
    {"me", Command::kMetaDebug, Shape::kMeta, 2},
    {"quit", Command::kClose, Shape::kSimple, 1},
    {"shutdown", Command::kShutdown, Shape::kSimple, 1},
    {"watch", Command::kWatch, Shape::kSimple, 1},
    {"cache_memlimit", Command::kCacheMemlimit, Shape::kSimple, 1},
    {"slabs", Command::kSlabs, Shape::kSimple, 1},
    {"lru", Command::kLru, Shape::kSimple, 1},
    {"lru_crawler", Command::kLruCrawler, Shape::kSimple, 1},
    {"debugtime", Command::kDebugtime, Shape::kSimple, 1},
});

}  // namespace

const Word* find_word(std::string_view text) {
  const auto found =
      std::find_if(kWords.begin(), kWords.end(), [text](const Word& word) { return word.text == text; });
  return found == kWords.end() ? nullptr : &*found;
}

}  // namespace netd
