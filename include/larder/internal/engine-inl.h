// The definitions of the layer engine, for lib/engine.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_ENGINE_INL_H_
#define LARDER_INTERNAL_ENGINE_INL_H_

#include "larder/internal/engine/check-inl.h"
#include "larder/internal/engine/cleaner-inl.h"
#include "larder/internal/engine/decision-inl.h"
#include "larder/internal/engine/engine-inl.h"
#include "larder/internal/engine/erased_tags-inl.h"
#include "larder/internal/engine/explain-inl.h"
#include "larder/internal/engine/history-inl.h"
#include "larder/internal/engine/lookup-inl.h"
#include "larder/internal/engine/mutation-inl.h"
#include "larder/internal/engine/removal_log-inl.h"
#include "larder/internal/engine/removal_queue-inl.h"
#include "larder/internal/engine/segment_cleaner-inl.h"
#include "larder/internal/engine/statistics-inl.h"
#include "larder/internal/engine/walk-inl.h"

#endif  // LARDER_INTERNAL_ENGINE_INL_H_
