#!/usr/bin/env bash
# Includes point downward, from layer to layer; atomics say of which kind they are; no file of the library is longer than can be read in one sitting.
#
#   layers.sh WORK_DIR SOURCE_ROOT
set -euo pipefail
cd "$2"

# Each may include itself and those before it; index and segments, side by side, do not know each other.
layers=(base item index segments policy curve hot_keys engine commands loader objects)
declare -A rank=()
for i in "${!layers[@]}"; do rank[${layers[i]}]=$i; done

status=0
complain() {
  echo "$*" >&2
  status=1
}

while IFS=: read -r file _ include; do
  from=${file#include/larder/internal/} to=${include#larder/internal/}
  from=${from%%/*} to=${to%%/*}
  [[ -n ${rank[$from]-} ]] || { complain "$file lies in no layer"; continue; }
  case $include in
    larder/cache.h) ((rank[$from] >= rank[commands])) || complain "$file includes $include" ;;
    larder/loader.h | larder/loading_cache.h) ((rank[$from] >= rank[loader])) || complain "$file includes $include" ;;
    larder/internal/*)
      ((rank[$to] <= rank[$from])) || complain "$file includes $include, of a layer above it"
      [[ $from$to != segmentsindex ]] || complain "$file includes $include, of the layer beside it"
      ;;
  esac
done < <(grep -rn '^#include "larder/' include/larder/internal/*/ | sed 's/#include "\(.*\)".*/\1/')

if grep -ln '"larder/internal/' include/larder/*.h | grep -vxE 'include/larder/(cache|loader|composite_codec|object_cache|object_store|load_completion|loading_cache|loading_object_cache)\.h'; then
  complain "public headers include internal ones"
fi
if grep -rn 'std::atomic<' include/larder/internal include/larder/loader.h | grep -v '^include/larder/internal/base/atomic\.h:'; then
  complain "an atomic is an OrderedAtomic or a RelaxedAtomic (larder/internal/base/atomic.h)"
fi
if grep -rln '"netd/' include lib; then complain "the library includes what is netd's"; fi

for file in include/larder/*.h include/larder/internal/*/*.h lib/*.cc; do
  lines=$(wc -l <"$file")
  lines_max=450
  # What others must read to understand them.
  [[ $file != include/larder/internal/* || $file == *-inl.h ]] || lines_max=350
  ((lines <= lines_max)) || complain "$file has $lines lines; at most $lines_max are allowed"
done

# What a layer's list leaves out is compiled by nobody.
for layer in "${layers[@]}"; do
  for file in include/larder/internal/"$layer"/*-inl.h; do
    [[ -e $file ]] || continue
    grep -qF "\"${file#include/}\"" "include/larder/internal/$layer-inl.h" ||
      complain "$file is not in include/larder/internal/$layer-inl.h"
  done
done
exit "$status"
