// The definitions of the layer policy, for lib/policy.cc or a program in the header-only form.
#ifndef LARDER_INTERNAL_POLICY_INL_H_
#define LARDER_INTERNAL_POLICY_INL_H_

#include "larder/internal/policy/ghost-inl.h"
#include "larder/internal/policy/item_policy-inl.h"
#include "larder/internal/policy/quota-inl.h"
#include "larder/internal/policy/victims-inl.h"

#endif  // LARDER_INTERNAL_POLICY_INL_H_
