// The definitions of the layer curve, for lib/curve.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_CURVE_INL_H_
#define LARDER_INTERNAL_CURVE_INL_H_

#include "larder/internal/curve/curve-inl.h"
#include "larder/internal/curve/miniature-inl.h"
#include "larder/internal/curve/misses-inl.h"

#endif  // LARDER_INTERNAL_CURVE_INL_H_
