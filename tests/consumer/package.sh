#!/usr/bin/env bash
# What a packager leaves out is neither built nor looked for.
#
#   package.sh WORK_DIR SOURCE_ROOT COMPILER
set -euo pipefail
work=$1 source_root=$2 compiler=$3
rm -rf "$work"
mkdir -p "$work"

# without NAME PATTERN OPTION…: configured like this, nothing of that kind is built or looked for.
without() {
  local dir=$work/$1
  CXX=$compiler meson setup "$dir" "$source_root" --wrap-mode=nodownload "${@:3}"
  if ninja -C "$dir" -t targets all | grep -E "^($2)" ||
      grep -E "(Has header \"|dependency )($2)" "$dir/meson-logs/meson-log.txt"; then
    echo "$1: these should not be there" >&2
    exit 1
  fi
}

without tests 'tests/|examples/|doctest' -Dlarder-options:tests=false
ninja -C "$work/tests" -t targets all | grep '^netd/netd:'
without netd 'netd/|asio|fmt' -Dlarder-options:tests=false -Dlarder-options:netd=false
grep -F 'foreach(name larder)' "$work/netd/lib/larderConfig.cmake"

if grep -e '-Werror' "$work/tests/build.ninja"; then
  echo "a warning would be an error" >&2
  exit 1
fi
