#include "netd/read_only.h"

#include "netd/tokens.h"

namespace netd {
namespace {

bool make_read_only(MetaRequest& meta) {
  if (meta.exptime || meta.vivify || meta.recache_s != 0) return false;
  meta.may_win = false;
  if (meta.with_history) meta.marks_used = false;
  return true;
}

bool only_shows(const Request& stats) {
  if (stats.argument == "detail") return Tokens(stats.words)[1] == "dump";
  return stats.argument != "reset";
}

bool only_dumps(const Request& lru_crawler) {
  const Tokens tokens(lru_crawler.words);
  return tokens[0] == "metadump" || tokens[0] == "mgdump";
}

}  // namespace

bool make_read_only(Request& request) {
  switch (request.command) {
    case Command::kRefused:
    case Command::kClose:
    case Command::kGet:
    case Command::kGets:
    case Command::kVersion:
    case Command::kMetaNoop:
    case Command::kMetaDebug:
    case Command::kWatch:
    case Command::kAuthenticate:
      return true;
    case Command::kMetaGet:
      return make_read_only(*request.meta);
    case Command::kStats:
      return only_shows(request);
    case Command::kLruCrawler:
      return only_dumps(request);
    case Command::kSet:
    case Command::kAdd:
    case Command::kReplace:
    case Command::kAppend:
    case Command::kPrepend:
    case Command::kCas:
    case Command::kDelete:
    case Command::kIncr:
    case Command::kDecr:
    case Command::kGat:
    case Command::kGats:
    case Command::kTouch:
    case Command::kFlushAll:
    case Command::kVerbosity:
    case Command::kShutdown:
    case Command::kCacheMemlimit:
    case Command::kSlabs:
    case Command::kLru:
    case Command::kDebugtime:
    case Command::kMetaStore:
    case Command::kMetaDelete:
    case Command::kMetaArithmetic:
      return false;
  }
  return false;
}

}  // namespace netd
