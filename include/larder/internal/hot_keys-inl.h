// The definitions of the layer hot_keys, for lib/hot_keys.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_HOT_KEYS_INL_H_
#define LARDER_INTERNAL_HOT_KEYS_INL_H_

#include "larder/internal/hot_keys/hot_keys-inl.h"
#include "larder/internal/hot_keys/summary-inl.h"

#endif  // LARDER_INTERNAL_HOT_KEYS_INL_H_
