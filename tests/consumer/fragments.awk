# Makes a program of the C++ fragments of a page: each becomes a function of its own, and main calls them all.
BEGIN {
  print "#include <cstdio>\n#include <cstdlib>\n#include <list>\n#include <memory>\n#include <mutex>\n#include <string>"
  print "#include <unordered_map>\n#include <utility>\n\n#include \"larder/loading_object_cache.h\""
  print "#include \"larder/server.h\"\n"
}
/^```cpp$/ {
  printf "[[maybe_unused]] static void fragment%d([[maybe_unused]] larder::Cache& cache) {\n", ++fragments
  in_fragment = 1
  next
}
/^```$/ && in_fragment { print "}\n"; in_fragment = 0; next }
in_fragment
END {
  print "int main() {\n  auto cache = larder::Cache::create();\n  if (!cache.ok()) return EXIT_FAILURE;"
  for (i = 1; i <= fragments; ++i) printf "  fragment%d(**cache);\n", i
  print "}"
}
