// What many unit tests of netd include.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "netd/server_state.h"
