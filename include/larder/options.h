// The options a cache is made with.
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

// Limits of keys and of the options below.
inline constexpr size_t kKeyBytesMax = 65535;
inline constexpr size_t kMemoryLimitBytesMin = size_t{1} << 20;  // 1 MiB
inline constexpr size_t kMemoryLimitBytesMax = size_t{1} << 40;  // 1 TiB
inline constexpr size_t kItemBytesMaxMin = 1024;
inline constexpr size_t kItemBytesMaxMax = size_t{1} << 30;  // 1 GiB
inline constexpr size_t kNamespacesMax = 1023;

// A part of a cache: the items whose keys start with `prefix`, and with no longer prefix that is declared. It has
// its own flush and statistics, and can have its own limit within that of the cache.
struct Namespace {
  // 1..kKeyBytesMax - 1 bytes of any kind. One may start with another: a key belongs to the longest alone.
  std::string prefix = {};

  // How many bytes its items may take, counted like Stats::item_bytes. 0: no limit. Otherwise
  // kItemBytesMaxMin..Options::memory_limit_bytes. A store that would exceed it evicts within the namespace, and
  // returns kNoMemory if the item could never fit, or if eviction is off.
  size_t item_bytes_limit = 0;
};

// What Cache::create takes. Every field has a default.
struct Options {
  // All the memory the cache may use: items, their index, the eviction policy's memory, free room, and what the
  // owner adds with larder::add_external_bytes. kMemoryLimitBytesMin..kMemoryLimitBytesMax.
  // Cache::set_memory_limit changes it at run time.
  size_t memory_limit_bytes = size_t{64} << 20;

  // The longest value that can be stored. From kItemBytesMaxMin to kItemBytesMaxMax or a quarter of
  // memory_limit_bytes, whichever is less. An item of more than a tenth of memory_limit_bytes is the first to go
  // when room is needed, unless it was read twice by then.
  size_t item_bytes_max = size_t{1} << 20;

  // How many items there may be; 0: as many as find room. A store of one more evicts one that was not read lately,
  // whichever limit it meets first. Threads that store at the same moment may each exceed it by one.
  size_t items_max = 0;

  // false: when memory is full, or there are items_max items, a store that needs room returns kNoMemory instead of
  // evicting an item.
  bool eviction = true;

  // false: items have no CAS number, which saves 4 bytes each; Item::cas is 0, and Cache::cas on a present key
  // returns kExists.
  bool cas = true;

  // How much memory handles (see handle.h) may keep from being reused; beyond it they get copies. This includes
  // the values that a server of this cache holds while slow clients take them. From 0 to half of
  // memory_limit_bytes. Not given: an eighth of the limit, following later changes of the limit. Never more than
  // half of the current limit.
  std::optional<size_t> pinned_bytes_max = {};

  // Not owned; must outlive the cache. nullptr: a SystemClock.
  const Clock* clock = nullptr;

  // Keys the hash, so that clients who choose keys cannot aim collisions. Not given: taken from the system's
  // random device. Given, with a ManualClock: a single-threaded run repeats exactly.
  std::optional<uint64_t> seed = {};

  // Whether the cache follows a sample of its keys to tell what it would have missed with another memory limit
  // (larder/sizing.h). It does so with eviction and a limit of 8 MiB or more, and takes up to 1/128 of the
  // limit for it, at most about 140 KiB; more with namespaces or many threads. A cache made with less has no curve.
  bool curve = true;

  // How many of the keys it follows at most, 0..1; fewer as soon as it has no room for more. Each operation on one
  // of them takes about 0.2 µs longer. A small cache's curve is more exact with more of them.
  double curve_share_max = 1.0 / 256;

  // Whether the cache counts the keys of a sample of requests, to tell which are asked for most
  // (larder/hot_keys.h). It does so with a limit of 8 MiB or more, and takes up to 1/512 of the first limit for it,
  // at most 64 KiB, and a KiB for each thread.
  bool hot_keys = true;

  // Is told which items were removed, and why. Not owned; must outlive the cache. nullptr: no listener.
  RemovalListener* removal_listener = nullptr;

  // At most kNamespacesMax. The cache then divides its locks among them, compares the start of the key with the
  // prefixes in each operation, and uses up to about 60 KiB of the limit for each.
  std::vector<Namespace> namespaces = {};
};

}  // namespace larder

#endif  // LARDER_OPTIONS_H_
