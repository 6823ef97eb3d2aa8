#!/usr/bin/env bash
# Every header compiles alone, and two sources that include them all link into one program, in either form. The public
# ones do without exceptions and RTTI, and include nothing but standard C++, Abseil and each other: nothing of the
# platform.
#
#   headers.sh WORK_DIR INCLUDE_DIR BUILD_ROOT COMPILER…
set -euo pipefail
work=$1 include=$2 build_root=$3
shift 3
rm -rf "$work"
mkdir -p "$work"
cd "$work"

export PKG_CONFIG_PATH=$build_root/meson-uninstalled${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
read -ra cflags < <(pkg-config --cflags larder)
compile=("$@" -std=c++20 -Wall -Wextra -Wshadow -Werror "${cflags[@]}")

mapfile -t headers < <(cd "$include" && find larder -name '*.h' | sort)
((${#headers[@]})) || { echo "no header below $include" >&2; exit 1; }

# Internal ones are many, and let others include what is not larder's.
mapfile -t foreign < <(cd "$include" && grep -rhoE '^#include (<[a-z_]+>|"absl/[a-z_/]+\.h")' larder/internal | sort -u)
printf '%s\n' "${foreign[@]}" >foreign.h
"${compile[@]}" -x c++-header foreign.h -o foreign.h.gch

# alone HEADER COMPILE…
alone() {
  local header=$1 given=()
  shift
  [[ $header != larder/internal/* ]] || given=(-include foreign.h)
  echo "#include \"$header\"" | "$@" "${given[@]}" -x c++ -fsyntax-only - ||
    { echo "$header does not compile alone" >&2; return 1; }
}
export -f alone
printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I {} bash -c 'alone "$@"' alone {} "${compile[@]}"

# both PACKAGE: as one program.
both() {
  local flags
  read -ra flags < <(pkg-config --cflags --libs "$1")
  "${compile[@]}" first.cc second.cc "${flags[@]}" -o both ||
    { echo "$1: a header defines something that two sources cannot both include" >&2; exit 1; }
}
printf '#include "%s"\n' "${headers[@]}" | tee first.cc >second.cc
echo 'int main() {}' >>first.cc
both larder-header-only
sed -i '/-inl\.h"/d; /header_only\.h"/d' first.cc second.cc
both larder
printf '#include "%s"\n' "${headers[@]}" | grep -v '"larder/internal/' >public.cc
"${compile[@]}" -fno-exceptions -fno-rtti -fsyntax-only public.cc ||
  { echo "the public headers need exceptions or RTTI" >&2; exit 1; }

# What a header for one thing alone takes: fmt's, and what defines the functions in the header-only form.
exceptions='^larder/(fmt\.h:.*<fmt/format\.h>|larder\.h:.*<std(def|int)\.h>|(cache|loader|composite_codec|object_cache|object_store|load_completion|loading_cache|loading_object_cache)\.h:.*"larder/internal/)'
if (cd "$include" && grep -n '^ *# *include' larder/*.h) | grep -vE "$exceptions" |
    grep -vE '<[a-z_]+>|"(larder/[a-z_]+|absl/[a-z_/]+)\.h"'; then
  echo "public headers include what is neither standard C++ nor Abseil's nor larder's" >&2
  exit 1
fi
echo "${#headers[@]} headers"
