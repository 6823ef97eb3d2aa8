#include "larder/internal/policy-inl.h"
