// The definitions of the layer segments, for lib/segments.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_SEGMENTS_INL_H_
#define LARDER_INTERNAL_SEGMENTS_INL_H_

#include "larder/internal/segments/chains-inl.h"
#include "larder/internal/segments/check-inl.h"
#include "larder/internal/segments/large_items-inl.h"
#include "larder/internal/segments/log-inl.h"
#include "larder/internal/segments/pins-inl.h"
#include "larder/internal/segments/room-inl.h"

#endif  // LARDER_INTERNAL_SEGMENTS_INL_H_
