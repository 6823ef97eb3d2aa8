#include "larder/internal/loader-inl.h"
