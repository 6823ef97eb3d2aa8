// Every fixed line that netd sends, with its line end. Clients compare these byte by byte.
#ifndef NETD_REPLY_WORDS_H_
#define NETD_REPLY_WORDS_H_

#include <string_view>

namespace netd {

inline constexpr std::string_view kReplyStored = "STORED\r\n";
inline constexpr std::string_view kReplyNotStored = "NOT_STORED\r\n";
inline constexpr std::string_view kReplyExists = "EXISTS\r\n";
inline constexpr std::string_view kReplyNotFound = "NOT_FOUND\r\n";
inline constexpr std::string_view kReplyDeleted = "DELETED\r\n";
inline constexpr std::string_view kReplyTouched = "TOUCHED\r\n";
inline constexpr std::string_view kReplyOk = "OK\r\n";
inline constexpr std::string_view kReplyEnd = "END\r\n";
inline constexpr std::string_view kReplyReset = "RESET\r\n";
inline constexpr std::string_view kReplyMetaNoop = "MN\r\n";
inline constexpr std::string_view kReplyMetaMissing = "EN\r\n";

inline constexpr std::string_view kErrorUnknown = "ERROR\r\n";
inline constexpr std::string_view kErrorTooManyConnections = "ERROR Too many open connections\r\n";
inline constexpr std::string_view kErrorBadFormat = "CLIENT_ERROR bad command line format\r\n";
inline constexpr std::string_view kErrorDeleteUsage =
    "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";
inline constexpr std::string_view kErrorBadDataChunk = "CLIENT_ERROR bad data chunk\r\n";
inline constexpr std::string_view kErrorBadExptime = "CLIENT_ERROR invalid exptime argument\r\n";
inline constexpr std::string_view kErrorBadDelta = "CLIENT_ERROR invalid numeric delta argument\r\n";
inline constexpr std::string_view kErrorNotANumber =
    "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
inline constexpr std::string_view kErrorBadToken = "CLIENT_ERROR bad token in command line format\r\n";
inline constexpr std::string_view kErrorBadDeltaValue = "CLIENT_ERROR invalid numeric delta value\r\n";
inline constexpr std::string_view kErrorBadInitialValue = "CLIENT_ERROR invalid numeric initial value\r\n";
inline constexpr std::string_view kErrorInvalidFlag = "CLIENT_ERROR invalid flag\r\n";
inline constexpr std::string_view kErrorDuplicateFlag = "CLIENT_ERROR duplicate flag\r\n";
inline constexpr std::string_view kErrorInvalidOrDuplicateFlag = "CLIENT_ERROR invalid or duplicate flag\r\n";
inline constexpr std::string_view kErrorTooManyFlags = "CLIENT_ERROR options flags are too long\r\n";
inline constexpr std::string_view kErrorOpaqueTooLong = "CLIENT_ERROR opaque token too long\r\n";
inline constexpr std::string_view kErrorBadKeyEncoding = "CLIENT_ERROR error decoding key\r\n";
inline constexpr std::string_view kErrorBadStoreMode = "CLIENT_ERROR invalid mode for ms M token\r\n";
inline constexpr std::string_view kErrorBadArithmeticMode = "CLIENT_ERROR invalid mode for ma M token\r\n";
inline constexpr std::string_view kErrorReadOnly = "CLIENT_ERROR this server is read-only\r\n";
inline constexpr std::string_view kErrorNotOverUdp = "CLIENT_ERROR not available over UDP\r\n";
inline constexpr std::string_view kErrorFlushNotAllowed = "CLIENT_ERROR flush_all not allowed\r\n";
inline constexpr std::string_view kErrorBadShutdownMode = "CLIENT_ERROR invalid shutdown mode\r\n";
inline constexpr std::string_view kErrorShutdownNotEnabled = "SERVER_ERROR: shutdown not enabled\r\n";
inline constexpr std::string_view kErrorDetailUsage = "CLIENT_ERROR usage: stats detail on|off|dump\r\n";
inline constexpr std::string_view kErrorDetailNotAllowed = "CLIENT_ERROR stats detail not allowed\r\n";
inline constexpr std::string_view kErrorCachedumpNotAllowed = "CLIENT_ERROR stats cachedump not allowed\r\n";
inline constexpr std::string_view kErrorWhyNotAllowed = "CLIENT_ERROR stats why not allowed\r\n";
inline constexpr std::string_view kErrorBadLine = "CLIENT_ERROR bad command line\r\n";
inline constexpr std::string_view kErrorBadSlab = "CLIENT_ERROR Illegal slab id\r\n";
inline constexpr std::string_view kErrorReassignDisabled = "CLIENT_ERROR slab reassignment disabled\r\n";
inline constexpr std::string_view kErrorLruPercents = "ERROR hot and warm pcts must not exceed 80\r\n";
inline constexpr std::string_view kErrorLruFactors = "ERROR hot/warm age factors must be greater than 0\r\n";
inline constexpr std::string_view kErrorCrawlerSleep = "CLIENT_ERROR sleep must be one second or less\r\n";
inline constexpr std::string_view kErrorAutomoveWindow = "CLIENT_ERROR automove window too low or too high\r\n";
inline constexpr std::string_view kErrorBadClass = "BADCLASS invalid class id\r\n";
inline constexpr std::string_view kErrorCrawlerDisabled = "CLIENT_ERROR lru crawler disabled\r\n";
inline constexpr std::string_view kErrorCrawlerBusy = "BUSY currently processing crawler request\r\n";
inline constexpr std::string_view kErrorDumpUnread =
    "SERVER_ERROR the dump was not read for a second, and another client asked for one\r\n";
inline constexpr std::string_view kErrorMetadumpNotAllowed = "ERROR metadump not allowed\r\n";
inline constexpr std::string_view kErrorKeyDumpNotAllowed = "ERROR key dump not allowed\r\n";
inline constexpr std::string_view kErrorWatchNotAllowed = "CLIENT_ERROR watch commands not allowed\r\n";
inline constexpr std::string_view kErrorTooManyWatchers = "WATCHER_TOO_MANY log watcher limit reached\r\n";
inline constexpr std::string_view kErrorMemlimitTooSmall =
    "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n";
inline constexpr std::string_view kErrorMemlimitNotMegabytes =
    "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n";
inline constexpr std::string_view kErrorMemlimitOutOfBounds =
    "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n";
inline constexpr std::string_view kErrorUnauthenticated = "CLIENT_ERROR unauthenticated\r\n";
inline constexpr std::string_view kErrorAuthTooLong = "CLIENT_ERROR auth token too long\r\n";
inline constexpr std::string_view kErrorAuthBadEnd = "CLIENT_ERROR bad command line termination\r\n";
inline constexpr std::string_view kErrorAuthBadFormat = "CLIENT_ERROR bad authentication token format\r\n";
inline constexpr std::string_view kErrorAuthFailed = "CLIENT_ERROR authentication failure\r\n";
inline constexpr std::string_view kErrorTooManyLogins = "CLIENT_ERROR too many authentication attempts\r\n";
inline constexpr std::string_view kErrorRequestTimeout = "SERVER_ERROR request not finished in time\r\n";
inline constexpr std::string_view kErrorTooLarge = "SERVER_ERROR object too large for cache\r\n";
inline constexpr std::string_view kErrorNoMemoryStoring = "SERVER_ERROR out of memory storing object\r\n";
inline constexpr std::string_view kErrorNoMemoryReading = "SERVER_ERROR out of memory reading request\r\n";
inline constexpr std::string_view kErrorNoMemoryWriting = "SERVER_ERROR out of memory writing get response\r\n";
inline constexpr std::string_view kErrorNoMemory = "SERVER_ERROR out of memory\r\n";

}  // namespace netd

#endif  // NETD_REPLY_WORDS_H_
