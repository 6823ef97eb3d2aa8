/* larder in a program in C. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/larder.h"

int main(void) {
  char error[256];
  larder_options options = {.struct_bytes = sizeof options, .memory_limit_bytes = (size_t)64 << 20};
  larder_cache* cache = NULL;
  if (larder_create(&options, &cache, error, sizeof error) != LARDER_OK) {
    fprintf(stderr, "%s\n", error);
    return EXIT_FAILURE;
  }

  const char key[] = "greeting", value[] = "hello";
  if (larder_set(cache, key, strlen(key), value, strlen(value), 60 * 1000, 0) != LARDER_OK) return EXIT_FAILURE;

  /* Where it lies, until it is released. */
  larder_item item;
  if (larder_get(cache, key, strlen(key), &item) != LARDER_OK) return EXIT_FAILURE;
  printf("%.*s, for %" PRId64 " ms\n", (int)item.value_bytes, (const char*)item.value, item.ttl_ms);
  larder_release(&item);

  /* Or copied. */
  char copy[16];
  size_t length = 0;
  if (larder_read(cache, key, strlen(key), copy, sizeof copy, &length) != LARDER_OK) return EXIT_FAILURE;

  larder_stats stats;
  larder_get_stats(cache, &stats, sizeof stats);
  printf("%" PRIu64 " item, %" PRIu64 " hits\n", stats.items, stats.get_hits);
  larder_destroy(cache);
  return length == strlen(value) && stats.get_hits == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
