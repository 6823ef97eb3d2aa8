// What many unit tests of the library include.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "larder/cache.h"
#include "larder/internal/engine/engine.h"
#include "larder/loading_cache.h"
#include "larder/typed_cache.h"
