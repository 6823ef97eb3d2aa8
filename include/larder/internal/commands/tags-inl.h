#ifndef LARDER_INTERNAL_COMMANDS_TAGS_INL_H_
#define LARDER_INTERNAL_COMMANDS_TAGS_INL_H_

#include "larder/api.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/tags.h"

namespace larder {

LARDER_INLINE uint32_t Tags::hash(std::string_view tag) {
  const uint32_t hash = internal::fingerprint(internal::hash_key(tag, 0));
  return hash == 0 ? 1 : hash;
}

LARDER_INLINE void erase_tag(Cache& cache, std::string_view tag) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  engine.assert_may_be_called();
  engine.erased_tags().erase(Tags::hash(tag));
}

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_TAGS_INL_H_
