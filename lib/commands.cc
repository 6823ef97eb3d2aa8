#include "larder/internal/commands-inl.h"
