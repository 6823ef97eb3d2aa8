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
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "larder/loading_cache.h"

struct Numbered {
  int number;
  char name[8];
};
struct Named {
  int number;
  const char* name;
};
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
refuses 'a range of temporary strings' \
  'cache.erase_multi(std::views::iota(1, 3) | std::views::transform([](int i) { return std::to_string(i); }));' \
  'cache.erase_multi(std::vector<std::string>{text});'
# --- values and keys that hold addresses -----------------------------------------------------------------------
for held in 'std::span<int>' 'std::span<const char, 4>' 'std::string_view' 'std::reference_wrapper<int>' 'const char*' \
    'void (*)()' 'int Numbered::*' 'std::array<char*, 2>' 'std::optional<int*>' 'Named' 'std::array<Named, 2>'; do
  refuses 'T holds addresses.*specialize larder::Codec' \
    "larder::TypedCache<int, $held> typed(cache);" \
    'larder::TypedCache<int, Numbered> typed(cache); (void)typed.set(1, {1, "one"});'
done
refuses 'T holds addresses.*specialize larder::Codec' \
  'larder::LoadingCache<int, Named> loading(cache);' \
  'larder::LoadingCache<int, Numbered> loading(cache);'
refuses 'Key holds addresses.*specialize larder::KeyCodec' \
  'larder::TypedCache<const char*, int> typed(cache);' \
  'larder::TypedCache<std::string, int> typed(cache); (void)typed.get("one");'
refuses 'T needs a larder::Codec' \
  'larder::TypedCache<int, std::function<void()>> typed(cache);' \
  'larder::TypedCache<int, std::array<int, 3>> typed(cache);'

# --- expiries of clocks that a cache cannot convert ------------------------------------------------------------
refuses 'could not convert|no viable conversion' \
  'larder::SetOptions options{.expiry = std::chrono::steady_clock::now()};' \
  'larder::SetOptions options{.expiry = std::chrono::system_clock::now()};'

((status == 0)) || exit 1
echo "$cases cases"
