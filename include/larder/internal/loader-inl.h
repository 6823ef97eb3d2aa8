// The definitions of the layer loader, for lib/loader.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_LOADER_INL_H_
#define LARDER_INTERNAL_LOADER_INL_H_

#include "larder/internal/loader/call-inl.h"
#include "larder/internal/loader/loader-inl.h"
#include "larder/internal/loader/placeholder-inl.h"

#endif  // LARDER_INTERNAL_LOADER_INL_H_
