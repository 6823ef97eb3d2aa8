#!/usr/bin/env bash
# What would go wrong at run time does not compile, and the compiler says why; what is right beside it compiles.
#
#   refused.sh WORK_DIR INCLUDE_DIR COMPILER…
set -euo pipefail
work=$1 include=$2
shift 2
rm -rf "$work"
mkdir -p "$work"
cd "$work"

cat >common.h <<'END'
#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "larder/loading_cache.h"
END
compile=("$@" -std=c++20 -Wall -Wextra -Wshadow -Wmissing-field-initializers -Werror -I "$include")
# Read once, not for each case.
"${compile[@]}" -x c++-header common.h -o common.h.gch
cases=0
status=0

# compiles BODY: as that of a function with a cache and a string. What the compiler says is in the file log.
compiles() {
  printf 'void run(larder::Cache& cache, std::string text) {\n(void)cache, (void)text;\n%s\n}\n' "$1" >case.cc
  "${compile[@]}" -Wno-unused -fsyntax-only -include common.h case.cc 2>log
}

# refuses MESSAGE WRONG RIGHT: WRONG does not compile, and one of the lines that say so matches MESSAGE; RIGHT does.
refuses() {
  cases=$((cases + 1))
  if compiles "$2"; then
    printf 'compiles, and should not: %s\n' "$2" >&2
    status=1
  elif ! grep -qE "error: .*($1)" log; then
    printf 'is refused for another reason than "%s": %s\n' "$1" "$2" >&2
    cat log >&2
    status=1
  fi
  if ! compiles "$3"; then
    printf 'does not compile, and should: %s\n' "$3" >&2
    cat log >&2
    status=1
  fi
}

# --- views of temporaries --------------------------------------------------------------------------------------
deleted='deleted function|deleted constructor'
refuses "$deleted" \
  'larder::SetEntry entry{.key = text + "1", .value = text};' \
  'larder::SetEntry entry{.key = text, .value = "literal"};'
refuses "$deleted" \
  'larder::SetEntry entry{.key = "literal", .value = text + "1"};' \
  'larder::SetEntry entry{.key = std::string_view(text), .value = text.c_str()};'
refuses "$deleted" \
  'larder::SetEntry entry; entry.value = std::to_string(1);' \
  'larder::SetEntry entry; entry.value = text;'

((status == 0)) || exit 1
echo "$cases cases"
