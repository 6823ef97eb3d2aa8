#include "larder/internal/base-inl.h"
