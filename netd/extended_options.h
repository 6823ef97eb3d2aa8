// The suboptions of -o. There are three kinds: those that netd implements; those that tune memcached's internals,
// which are accepted and reported; and those that promise something netd lacks (TLS, storage on disk, proxy),
// which are refused.
#ifndef NETD_EXTENDED_OPTIONS_H_
#define NETD_EXTENDED_OPTIONS_H_

#include "netd/option_values.h"
#include "netd/options.h"

namespace netd {

// Applies the comma-separated list given to -o. Throws StartError.
void apply_extended_options(const FlagValue& given, Options& options);

}  // namespace netd

#endif  // NETD_EXTENDED_OPTIONS_H_
