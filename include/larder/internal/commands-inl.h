// The definitions of the layer commands, for lib/commands.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_COMMANDS_INL_H_
#define LARDER_INTERNAL_COMMANDS_INL_H_

#include "larder/internal/commands/cache-inl.h"
#include "larder/internal/commands/count-inl.h"
#include "larder/internal/commands/erase-inl.h"
#include "larder/internal/commands/explain-inl.h"
#include "larder/internal/commands/hold-inl.h"
#include "larder/internal/commands/hot_keys-inl.h"
#include "larder/internal/commands/metrics-inl.h"
#include "larder/internal/commands/read-inl.h"
#include "larder/internal/commands/renewal-inl.h"
#include "larder/internal/commands/serving-inl.h"
#include "larder/internal/commands/sizing-inl.h"
#include "larder/internal/commands/store-inl.h"
#include "larder/internal/commands/tags-inl.h"
#include "larder/internal/commands/touch-inl.h"
#include "larder/internal/commands/update-inl.h"

#endif  // LARDER_INTERNAL_COMMANDS_INL_H_
