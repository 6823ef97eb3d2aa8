// What the unit tests include in the header-only form.
#include <doctest/doctest.h>

#include "larder/cache.h"
#include "larder/loader.h"
