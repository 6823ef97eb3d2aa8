// The definitions of the layer objects, for lib/objects.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_OBJECTS_INL_H_
#define LARDER_INTERNAL_OBJECTS_INL_H_

#include "larder/internal/objects/object_queues-inl.h"
#include "larder/internal/objects/object_store-inl.h"

#endif  // LARDER_INTERNAL_OBJECTS_INL_H_
