#include "larder/internal/curve-inl.h"
