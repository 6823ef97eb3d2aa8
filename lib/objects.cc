#include "larder/internal/objects-inl.h"
