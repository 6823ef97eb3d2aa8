// The definitions of the layer index, for lib/index.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_INDEX_INL_H_
#define LARDER_INTERNAL_INDEX_INL_H_

#include "larder/internal/index/change_clock-inl.h"
#include "larder/internal/index/check-inl.h"
#include "larder/internal/index/flush-inl.h"
#include "larder/internal/index/index-inl.h"
#include "larder/internal/index/index_memory-inl.h"
#include "larder/internal/index/namespaces-inl.h"
#include "larder/internal/index/resize-inl.h"

#endif  // LARDER_INTERNAL_INDEX_INL_H_
