// What many sources of the library include.
#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "larder/cache.h"
#include "larder/internal/engine/engine.h"
