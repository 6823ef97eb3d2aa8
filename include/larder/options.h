// What a cache is made with.
#ifndef LARDER_OPTIONS_H_
#define LARDER_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "larder/clock.h"
#include "larder/removal_listener.h"

namespace larder {

// Limits of keys, of the options below, and so of values.
inline constexpr size_t kKeyBytesMax = 65535;
inline constexpr size_t kMemoryLimitBytesMin = size_t{1} << 20;  // 1 MiB
inline constexpr size_t kMemoryLimitBytesMax = size_t{1} << 40;  // 1 TiB
inline constexpr size_t kItemBytesMaxMin = 1024;
inline constexpr size_t kItemBytesMaxMax = size_t{1} << 30;  // 1 GiB
inline constexpr size_t kNamespacesMax = 63;

// A part of a cache: the items whose keys begin with `prefix`. It can be flushed by itself, is counted by itself,
// and can be given a limit of its own, within that of the cache.
struct Namespace {
  // 1..kKeyBytesMax - 1 bytes of any kind. None may begin with another's, so that a key belongs to one at most.
  std::string prefix = {};

  // How many bytes its items may take, counted like Stats::item_bytes. A store that would take it beyond makes
  // room within the namespace, and answers kNoMemory if the item could never fit, or eviction is off. 0: no limit.
  // Otherwise kItemBytesMaxMin..Options::memory_limit_bytes.
  size_t item_bytes_limit = 0;
};

// What Cache::create is told. All of it can be left out.
struct Options {
  // All the memory the cache may use: items, their index, the eviction policy's memory, free room, and what the
  // owner adds with larder::add_external_bytes. kMemoryLimitBytesMin..kMemoryLimitBytesMax; can be changed at
  // run time with Cache::set_memory_limit.
  size_t memory_limit_bytes = size_t{64} << 20;

  // The longest value that is stored. From kItemBytesMaxMin to kItemBytesMaxMax or a quarter of
  // memory_limit_bytes, whichever is less. An item of more than a tenth of memory_limit_bytes is the first to go
  // when room is needed, unless it was read twice by then.
  size_t item_bytes_max = size_t{1} << 20;

  // false: when memory is full, a store that needs room answers kNoMemory instead of evicting an item.
  bool eviction = true;

  // false: items carry no CAS number (4 bytes less each); Item::cas is 0 and Cache::cas on a present key answers
  // kExists.
  bool cas = true;

  // How much memory handles (see handle.h) may keep from being used again; beyond it they have copies. The clients
  // of a server of this cache who are slow to take long values have their share of it. From 0 to half of
  // memory_limit_bytes. Not given: an eighth of the limit, also of one that is set later. Never more than half of
  // that.
  std::optional<size_t> pinned_bytes_max = {};

  // Not owned; must outlive the cache. nullptr: a SystemClock.
  const Clock* clock = nullptr;

  // Keys the hash, so that nobody who chooses keys can aim collisions. Not given: taken from the system's
  // random device. Give one to make a single-threaded run with a ManualClock repeat exactly.
  std::optional<uint64_t> seed = {};

  // Told which items have gone, and why. Not owned; must outlive the cache. nullptr: nobody is.
  RemovalListener* removal_listener = nullptr;

  // At most kNamespacesMax. The cache then shares its locks out among them, pays a look at the beginning of the key
  // in each operation, and takes up to about 60 KiB of the limit for each.
  std::vector<Namespace> namespaces = {};
};

}  // namespace larder

#endif  // LARDER_OPTIONS_H_
