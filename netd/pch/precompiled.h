// What many sources of netd include.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <thread>

#include "netd/asio.h"
#include "netd/server_state.h"
