#!/usr/bin/env bash
# Prints what including larder costs, in preprocessed lines and in seconds, beside the types of Abseil and the
# standard library that its API consists of. What larder adds to those must stay little.
#
#   include_cost.sh WORK_DIR INCLUDE_DIR ADDED_LINES_MAX COMPILER…
set -euo pipefail
work=$1 include=$2 added_lines_max=$3
shift 3
rm -rf "$work"
mkdir -p "$work"
TIMEFORMAT=%U

# cost HEADER…: sets lines, and seconds of the compiler's time.
cost() {
  printf '#include "%s"\n' "$@" >"$work/cost.cc"
  lines=$("${compile[@]}" -E -P "$work/cost.cc" | wc -l)
  seconds=$( { time "${compile[@]}" -fsyntax-only "$work/cost.cc"; } 2>&1)
  printf '%-64s %6d lines %6s s\n' "$*" "$lines" "$seconds"
}
compile=("$@" -std=c++20 -I "$include")
cost larder/server.h
cost absl/status/statusor.h chrono optional span string_view vector
base_lines=$lines
cost larder/cache.h
echo "larder/cache.h adds $((lines - base_lines)) lines; at most $added_lines_max are allowed"
((lines - base_lines <= added_lines_max))
