#!/usr/bin/env bash
# Programs find an installed larder through pkg-config, link it and run, without exceptions and RTTI too; what the
# shared libraries export is the public API.
#
#   installed.sh WORK_DIR BUILD_ROOT PREFIX SOURCE_DIR COMPILER…
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
work=$1 prefix=$3 source_dir=$4
stage "$work" "$2" "$3"
shift 4

for file in include/larder/cache.h include/larder/server.h bin/netd share/man/man1/netd.1 share/doc/larder/PROTOCOL.md \
    lib/systemd/system/netd.service; do
  [[ -e $installed/$file ]] || { echo "meson install left out $file" >&2; exit 1; }
done
grep -qx "ExecStart=$prefix/bin/netd" "$installed/lib/systemd/system/netd.service" ||
  { echo "the systemd unit starts another netd than the one that was installed" >&2; exit 1; }

# What is staged lies elsewhere than at the prefix that the files speak of.
libdir=$(dirname "$(find "$installed" -name larder.pc)")
[[ -e $libdir/larder-netd.pc ]] || { echo "meson install left out larder.pc or larder-netd.pc" >&2; exit 1; }
sed -i "s|^prefix=.*|prefix=$installed|" "$libdir"/larder*.pc
export PKG_CONFIG_PATH=$libdir${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
LD_LIBRARY_PATH=$(pkg-config --variable=libdir larder)
export LD_LIBRARY_PATH

# build_and_run SOURCE PACKAGE COMPILER…
build_and_run() {
  local source=$1 package=$2 flags
  shift 2
  read -ra flags < <(pkg-config --cflags --libs "$package")
  "$@" -std=c++20 "$source_dir/$source.cc" "${flags[@]}" -o "$work/$source"
  "$work/$source"
}
build_and_run consumer larder "$@"
build_and_run consumer larder-header-only "$@"
! ldd "$work/consumer" | grep -F liblarder || { echo "a program in the header-only form links a library" >&2; exit 1; }
build_and_run serve larder-netd "$@" -fno-exceptions -fno-rtti

for library in "$LD_LIBRARY_PATH"/liblarder*.so; do
  exported=$(nm --dynamic --defined-only --demangle "$library" | cut -d' ' -f3-)
  grep -q '^larder::' <<<"$exported" || { echo "$library exports nothing of larder" >&2; exit 1; }
  public='^([a-z -]+ (for|to) )?larder::'
  if grep -vE "$public|^larder_[a-z_]+$" <<<"$exported" || grep -E "${public}internal::" <<<"$exported"; then
    echo "$library exports these names, which are not its public ones" >&2
    exit 1
  fi
done
