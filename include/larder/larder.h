// larder for C, and for every language that can call C: see examples/embed_in_c.c and embed_in_python.py.
//
// A small part of larder::Cache (cache.h), whose comments say what holds for each operation. Thread-safe: any
// thread may use a cache until it is destroyed. Pointers to a cache, an item, a room for an answer must not be
// NULL. Nothing here throws or prints.
#ifndef LARDER_LARDER_H_
#define LARDER_LARDER_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Before each function that the library has for C.
#define LARDER_C_API __attribute__((visibility("default")))

// A cache; only larder knows what is in it.
typedef struct larder_cache larder_cache;

// What operations answer. The numbers stay.
typedef enum larder_status {
  LARDER_OK = 0,
  LARDER_NOT_FOUND = 1,   // there is no such item
  LARDER_NOT_STORED = 2,  // larder_add: there is one
  LARDER_EXISTS = 3,      // larder_cas: there is another one
  LARDER_TOO_LARGE = 4,   // the value is longer than item_bytes_max
  LARDER_NO_MEMORY = 5,   // no room could be made
  LARDER_BAD_KEY = 6,     // to be stored: the key is empty or longer than 65,535 bytes
  LARDER_BAD_OPTION = 7   // larder_create: an option is out of range
} larder_status;

// How a cache is made. Zeros stand for the defaults of larder::Options.
typedef struct larder_options {
  size_t struct_bytes;        // sizeof(larder_options): what was added since is then taken for zero
  size_t memory_limit_bytes;  // 1 MiB to 1 TiB; 0: 64 MiB
  size_t item_bytes_max;      // the longest value; 0: 1 MiB, or a quarter of the limit if that is less
} larder_options;

// An item where it lies, or a copy of it if it is short. It is valid, and costs memory, until larder_release.
typedef struct larder_item {
  const void* value;
  size_t value_bytes;
  uint64_t cas;
  int64_t ttl_ms;  // how long it will be there; -1: without end
  uint32_t flags;  // as they were stored
  void* handle;    // larder's own
} larder_item;

// What a cache has counted since it was made, and holds now.
typedef struct larder_stats {
  // As in larder::Stats (stats.h).
  uint64_t items;
  uint64_t item_bytes;
  uint64_t memory_used_bytes;
  uint64_t memory_limit_bytes;
  uint64_t get_hits;
  uint64_t get_misses;
  uint64_t stores;
  uint64_t evictions;
  uint64_t expired;
} larder_stats;

// Makes a cache. options may be NULL. On failure *cache is NULL, and error, if it is not NULL, holds a text that
// says which option is out of range, cut off to error_bytes with its final zero.
LARDER_C_API larder_status larder_create(const larder_options* options, larder_cache** cache, char* error,
                                         size_t error_bytes);

// No other thread may be using it, and its items must have been released. NULL: nothing happens.
LARDER_C_API void larder_destroy(larder_cache* cache);

// Stores an item that expires after ttl_ms; a negative number: never; 0: at once. After LARDER_TOO_LARGE and
// LARDER_NO_MEMORY larder_set leaves nothing under the key.
LARDER_C_API larder_status larder_set(larder_cache* cache, const void* key, size_t key_bytes, const void* value,
                                      size_t value_bytes, int64_t ttl_ms, uint32_t flags);
// The same if there is no item.
LARDER_C_API larder_status larder_add(larder_cache* cache, const void* key, size_t key_bytes, const void* value,
                                      size_t value_bytes, int64_t ttl_ms, uint32_t flags);
// The same if the item is the one that larder_get has shown with this number.
LARDER_C_API larder_status larder_cas(larder_cache* cache, const void* key, size_t key_bytes, const void* value,
                                      size_t value_bytes, int64_t ttl_ms, uint32_t flags, uint64_t cas);

// Gets an item, to be released. After LARDER_NOT_FOUND, and LARDER_NO_MEMORY, *item is empty, and need not be
// released.
LARDER_C_API larder_status larder_get(larder_cache* cache, const void* key, size_t key_bytes, larder_item* item);
LARDER_C_API void larder_release(larder_item* item);

// Copies a value of up to room_bytes into room, and its length into *value_bytes, also if it is longer:
// LARDER_TOO_LARGE then. Needs no release.
LARDER_C_API larder_status larder_read(larder_cache* cache, const void* key, size_t key_bytes, void* room,
                                       size_t room_bytes, size_t* value_bytes);

// Removes an item; gives it another time.
LARDER_C_API larder_status larder_erase(larder_cache* cache, const void* key, size_t key_bytes);
LARDER_C_API larder_status larder_touch(larder_cache* cache, const void* key, size_t key_bytes, int64_t ttl_ms);

// Removes all items.
LARDER_C_API void larder_flush(larder_cache* cache);

// Fills in as much of *stats as stats_bytes, sizeof(larder_stats), has room for; what a newer larder_stats has more
// is zero.
LARDER_C_API void larder_get_stats(const larder_cache* cache, larder_stats* stats, size_t stats_bytes);

#ifdef __cplusplus
}
#endif

#endif  // LARDER_LARDER_H_
