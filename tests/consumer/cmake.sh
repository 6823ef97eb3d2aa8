#!/usr/bin/env bash
# A CMake project finds an installed larder, links it and runs, wherever the installation has been moved to.
#
#   cmake.sh WORK_DIR BUILD_ROOT PREFIX SOURCE_DIR COMPILER FLAG…
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
work=$1 source_dir=$4 compiler=$5
stage "$work" "$2" "$3"
shift 5
command -v cmake >/dev/null || { echo "cmake is not here"; exit 77; }

cat >"$work/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.21)
project(consumer LANGUAGES CXX)
find_package(larder 0.1 REQUIRED)
find_package(larder REQUIRED)
add_executable(consumer "$source_dir/consumer.cc")
target_link_libraries(consumer PRIVATE larder::larder)
add_executable(header_only "$source_dir/consumer.cc")
target_link_libraries(header_only PRIVATE larder::larder_header_only)
add_executable(serve "$source_dir/serve.cc")
target_link_libraries(serve PRIVATE larder::larder-netd)
find_package(larder 99 QUIET)
if(larder_FOUND)
  message(FATAL_ERROR "larder says that it is version 99")
endif()
CMAKE
CXX=$compiler cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$installed" -DCMAKE_CXX_FLAGS="$*"
cmake --build "$work/build"
"$work/build/consumer"
"$work/build/header_only"
"$work/build/serve"
