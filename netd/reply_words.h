// Every fixed line netd sends, with its line end. Clients compare these octet by octet.
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
inline constexpr std::string_view kErrorLineTooLong = "CLIENT_ERROR line too long\r\n";
inline constexpr std::string_view kErrorFlushNotAllowed = "CLIENT_ERROR flush_all not allowed\r\n";
inline constexpr std::string_view kErrorBadShutdownMode = "CLIENT_ERROR invalid shutdown mode\r\n";
inline constexpr std::string_view kErrorShutdownNotEnabled = "SERVER_ERROR: shutdown not enabled\r\n";
inline constexpr std::string_view kErrorTooLarge = "SERVER_ERROR object too large for cache\r\n";
inline constexpr std::string_view kErrorNoMemoryStoring = "SERVER_ERROR out of memory storing object\r\n";
inline constexpr std::string_view kErrorNoMemoryReading = "SERVER_ERROR out of memory reading request\r\n";
inline constexpr std::string_view kErrorNoMemoryWriting = "SERVER_ERROR out of memory writing get response\r\n";
inline constexpr std::string_view kErrorNoMemory = "SERVER_ERROR out of memory\r\n";

}  // namespace netd

#endif  // NETD_REPLY_WORDS_H_
