#include "larder/internal/index-inl.h"
