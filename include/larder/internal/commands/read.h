// larder::read: who wins an item, and reads that change something of it.
#ifndef LARDER_INTERNAL_COMMANDS_READ_H_
#define LARDER_INTERNAL_COMMANDS_READ_H_

#include <cstdint>

#include "larder/arguments.h"
#include "larder/function_ref.h"
#include "larder/internal/engine/engine.h"
#include "larder/internal/item/key_ref.h"
#include "larder/item.h"
#include "larder/renewal.h"

namespace larder::internal {

// A placeholder outlives its lease, the time in which nobody else may win it, by so much: a load that takes longer
// finds it, and stores its value.
inline constexpr int64_t kPlaceholderGraceMs = 3'600'000;

// Who reads: a loader also sees absences, and creates a placeholder where `vivify` has others create an item.
enum class Reader : uint8_t { kAnyone, kLoader };

// Calls show(reading), or show(nullptr) when there is no item, once.
void read_item(Engine& engine, const KeyRef& key, const ReadOptions& options, Reader reader,
               FunctionRef<void(const Reading* reading)> show);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_READ_H_
