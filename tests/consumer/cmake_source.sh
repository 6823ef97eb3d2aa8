#!/usr/bin/env bash
# A CMake project takes larder's source tree, by add_subdirectory or with FetchContent, builds it and runs.
#
#   cmake_source.sh WORK_DIR SOURCE_ROOT COMPILER
set -euo pipefail
work=$1 source_root=$2 compiler=$3
command -v cmake >/dev/null || { echo "cmake is not here"; exit 77; }
rm -rf "$work"

# builds FOLDER LARDER_TARGET: a program of a project that comes by larder as the lines on stdin say, and runs it.
builds() {
  local folder=$work/$1
  mkdir -p "$folder"
  {
    printf '%s\n' 'cmake_minimum_required(VERSION 3.21)' 'project(consumer LANGUAGES CXX)'
    cat
    printf '%s\n' "add_executable(consumer \"$source_root/tests/consumer/consumer.cc\")" \
      "target_link_libraries(consumer PRIVATE $2)"
  } >"$folder/CMakeLists.txt"
  CXX=$compiler cmake -S "$folder" -B "$folder/build" -DCMAKE_BUILD_TYPE=Debug
  cmake --build "$folder/build" --target consumer
  "$folder/build/consumer"
}

builds subdirectory larder::larder <<CMAKE
add_subdirectory("$source_root/lib" larder)
CMAKE
builds fetched larder::larder_header_only <<CMAKE
include(FetchContent)
FetchContent_Declare(larder SOURCE_DIR "$source_root" SOURCE_SUBDIR lib)
FetchContent_MakeAvailable(larder)
CMAKE
