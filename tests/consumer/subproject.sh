#!/usr/bin/env bash
# A meson project takes larder's source tree as a subproject, builds it as a static library, and runs.
#
#   subproject.sh WORK_DIR SOURCE_ROOT COMPILER
set -euo pipefail
work=$1 source_root=$2 compiler=$3
rm -rf "$work"
mkdir -p "$work/subprojects"

cp "$source_root/tests/consumer/consumer.cc" "$work"
ln -s "$source_root" "$work/subprojects/larder"
cat >"$work/meson.build" <<'MESON'
project('consumer', 'cpp', default_options: ['cpp_std=c++20'])
executable('consumer', 'consumer.cc', dependencies: dependency('larder', fallback: 'larder'))
executable('header_only', 'consumer.cc', dependencies: dependency('larder-header-only', fallback: 'larder'))
# To be had too; building it here as well takes longer than it is worth.
dependency('larder-netd', fallback: 'larder')
MESON

CXX=$compiler meson setup "$work/build" "$work" --force-fallback-for=larder,larder-header-only,larder-netd --buildtype=debug \
  -Ddefault_library=static
ninja -C "$work/build"
"$work/build/consumer"
"$work/build/header_only"
