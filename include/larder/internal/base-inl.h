// The definitions of the layer base, for lib/base.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_BASE_INL_H_
#define LARDER_INTERNAL_BASE_INL_H_

#include "larder/internal/base/account-inl.h"
#include "larder/internal/base/address_space-inl.h"
#include "larder/internal/base/arena-inl.h"
#include "larder/internal/base/buddy_allocator-inl.h"
#include "larder/internal/base/clock-inl.h"
#include "larder/internal/base/event-inl.h"
#include "larder/internal/base/page_size-inl.h"
#include "larder/internal/base/result-inl.h"
#include "larder/internal/base/thread_number-inl.h"

#endif  // LARDER_INTERNAL_BASE_INL_H_
