#!/usr/bin/env bash
# A program finds an installed larder through pkg-config, links it and runs.
#
#   installed.sh WORK_DIR BUILD_ROOT PREFIX SOURCE COMPILER…
set -euo pipefail
work=$1 build_root=$2 prefix=$3 source=$4
shift 4
rm -rf "$work"
mkdir -p "$work"

meson install -C "$build_root" --no-rebuild --quiet --destdir "$work/stage"
installed=$work/stage$prefix
for file in include/larder/cache.h bin/netd; do
  [[ -e $installed/$file ]] || { echo "meson install left out $file" >&2; exit 1; }
done
[[ ! -e $installed/include/larder/internal ]] || { echo "meson install gave internal headers away" >&2; exit 1; }

# larder.pc speaks of the prefix; what is staged for it lies elsewhere.
larder_pc=$(find "$installed" -name larder.pc)
[[ -n $larder_pc ]] || { echo "meson install left out larder.pc" >&2; exit 1; }
sed -i "s|^prefix=.*|prefix=$installed|" "$larder_pc"
export PKG_CONFIG_PATH=${larder_pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
read -ra flags < <(pkg-config --cflags --libs larder)

"$@" -std=c++20 "$source" "${flags[@]}" -o "$work/consumer"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir larder) "$work/consumer"
