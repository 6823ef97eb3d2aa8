// The suboptions of -o. Three kinds: those netd acts on; those that tune memcached's insides, which are accepted
// and noted; those whose absence would break a promise (TLS, storage on disk, proxy), which are refused.
#ifndef NETD_EXTENDED_OPTIONS_H_
#define NETD_EXTENDED_OPTIONS_H_

#include "netd/option_values.h"
#include "netd/options.h"

namespace netd {

// Applies the comma-separated list given to -o. Throws StartError.
void apply_extended_options(const FlagValue& given, Options& options);

}  // namespace netd

#endif  // NETD_EXTENDED_OPTIONS_H_
