#include "larder/internal/engine-inl.h"
