// What came of an operation on one key, told in the words of the dialect that asked for it: pure.
#ifndef NETD_OPERATION_REPLY_H_
#define NETD_OPERATION_REPLY_H_

#include <optional>
#include <string_view>

#include "larder/item_details.h"
#include "larder/renewal.h"
#include "larder/result.h"
#include "netd/buffer.h"
#include "netd/request.h"

namespace netd {

// A line that `noreply` suppresses.
void answer(const Request& request, std::string_view line, Buffer& out);

void answer(const Request& request, const larder::StoreOutcome& outcome, Buffer& out);
void answer(const Request& request, larder::EraseResult result, Buffer& out);
void answer(const Request& request, const larder::CounterResult& result, Buffer& out);

// touch
void answer_touched(const Request& request, bool is_found, Buffer& out);

// mg
void answer(const Request& request, const larder::Reading& reading, Buffer& out);
void answer_missing(const Request& request, Buffer& out);

// me
void answer_inspected(const Request& request, const std::optional<larder::ItemDetails>& item, Buffer& out);

}  // namespace netd

#endif  // NETD_OPERATION_REPLY_H_
