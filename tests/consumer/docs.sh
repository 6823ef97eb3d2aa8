#!/usr/bin/env bash
# Every public name has a comment that the reference shows, and its first page is that of calls.
#
#   docs.sh WORK_DIR INCLUDE_DIR DOXYFILE
set -euo pipefail
work=$1 include=$2 doxyfile=$3
command -v doxygen >/dev/null || { echo "doxygen is not here"; exit 77; }
rm -rf "$work"
mkdir -p "$work/probe"

# run_doxygen OUTPUT INPUT…
run_doxygen() {
  { cat "$doxyfile"; echo "OUTPUT_DIRECTORY = $1"; echo "INPUT = ${*:2}"; } | doxygen -
}
run_doxygen "$work" "$include/larder"
grep -q 'Puts .*after (append) or before (prepend)' "$work/html/classlarder_1_1Cache.html" ||
  { echo "the reference does not have the comments of Cache" >&2; exit 1; }
grep -q 'how do I' "$work/html/index.html" ||
  { echo "the reference does not begin with the page of calls" >&2; exit 1; }

# And the other way round: a name without one is found.
cat >"$work/probe/probe.h" <<'PROBE'
// A header.
namespace larder {
// A class.
class Probe {
 public:
  // A function, and
  void documented();
  void documented_too();

  void bare();
};
}  // namespace larder
PROBE
if run_doxygen "$work/probe" "$work/probe" >"$work/probe/log" 2>&1; then
  echo "a name without a comment was not found" >&2
  exit 1
fi
cat "$work/probe/log"
[[ $(grep -c 'is not documented' "$work/probe/log") == 1 ]] && grep -q 'Member bare()' "$work/probe/log"
