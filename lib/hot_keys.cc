#include "larder/internal/hot_keys-inl.h"
