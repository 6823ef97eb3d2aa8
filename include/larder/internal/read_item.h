// Cache::read: who wins an item, and reads that change something of it.
#ifndef LARDER_INTERNAL_READ_ITEM_H_
#define LARDER_INTERNAL_READ_ITEM_H_

#include <string_view>

#include "absl/functional/function_ref.h"
#include "larder/arguments.h"
#include "larder/internal/engine.h"
#include "larder/item.h"

namespace larder::internal {

// `key` is within its bounds. Calls show(reading), or show(nullptr) when there is no item, once.
void read_item(Engine& engine, std::string_view key, const ReadOptions& options,
               absl::FunctionRef<void(const Reading* reading)> show);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_READ_ITEM_H_
