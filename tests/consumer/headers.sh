#!/usr/bin/env bash
# Every header compiles alone, and two sources that include them all link into one program.
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
read -ra libs < <(pkg-config --libs larder)
compile=("$@" -std=c++20 -Wall -Wextra -Wshadow -Werror "${cflags[@]}")

mapfile -t headers < <(cd "$include" && find larder -name '*.h' | sort)
((${#headers[@]})) || { echo "no header below $include" >&2; exit 1; }

status=0
for header in "${headers[@]}"; do
  echo "#include \"$header\"" >alone.cc
  "${compile[@]}" -fsyntax-only alone.cc || { echo "$header does not compile alone" >&2; status=1; }
done
((status == 0)) || exit 1

printf '#include "%s"\n' "${headers[@]}" | tee first.cc >second.cc
echo 'int main() {}' >>first.cc
"${compile[@]}" first.cc second.cc "${libs[@]}" -o both ||
  { echo "a header defines something that two sources cannot both include" >&2; exit 1; }
echo "${#headers[@]} headers"
