#include "larder/internal/segments-inl.h"
