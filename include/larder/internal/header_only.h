// With LARDER_HEADER_ONLY: defines what cache.h and the headers it includes declare.
#ifndef LARDER_INTERNAL_HEADER_ONLY_H_
#define LARDER_INTERNAL_HEADER_ONLY_H_

#include "larder/internal/base-inl.h"
#include "larder/internal/commands-inl.h"
#include "larder/internal/curve-inl.h"
#include "larder/internal/engine-inl.h"
#include "larder/internal/hot_keys-inl.h"
#include "larder/internal/index-inl.h"
#include "larder/internal/policy-inl.h"
#include "larder/internal/segments-inl.h"

#endif  // LARDER_INTERNAL_HEADER_ONLY_H_
