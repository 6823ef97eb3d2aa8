# Makes a program of the reference, include/larder/README.md: it includes the headers that are named there, and has the
# calls of its tables, in their order, in a function that is not called.
BEGIN {
  FS = " \\| "
  print "#include <fmt/core.h>\n#include <iostream>\n"
}
{
  for (rest = $0; match(rest, /`[a-z_]+\.h`/); rest = substr(rest, RSTART + RLENGTH)) {
    header = substr(rest, RSTART + 1, RLENGTH - 2)
    if (!seen[header]++) print "#include \"larder/" header "\""
  }
}
/^\| / && $2 ~ /^`.*`$/ {
  call = substr($2, 2, length($2) - 2)
  gsub(/`; `/, ";\n  ", call)
  sub(/^co_await /, "", call)
  calls = calls "  " call ";\n"
}
END {
  print "\nusing namespace std::chrono_literals;"
  print "struct User { char name[16]; };"
  print "struct Page { uint64_t bytes() const { return 1; } };"
  print "bool use(std::string_view) { return true; }"
  print "void retry() {}"
  print "bool rename(std::optional<User>&) { return true; }"
  print "std::string changed(const larder::ItemView*) { return {}; }"
  print "class Listener final : public larder::RemovalListener {"
  print "  void removed(const larder::RemovedItem&, larder::Removal) override {}"
  print "};\n"
  print "[[maybe_unused]] static void calls(larder::Cache& cache, std::string_view key, std::string_view value) {"
  print "  larder::Options options;"
  print "  larder::LoadOptions load_options;"
  print "  larder::ScanCursor cursor;"
  print "  Listener listener;"
  print "  std::string text;"
  print "  const size_t bytes = 128 << 20;"
  print "  const User ann{\"Ann\"};"
  print "  const std::vector<std::string> keys{\"a\", \"b\"};"
  print "  const std::vector<uint64_t> ids{1, 2};"
  print "  const std::vector<larder::SetEntry> entries{{\"a\", \"1\"}};"
  print "  const auto moment = std::chrono::system_clock::now();"
  print "  const auto multi_visitor = [](size_t, const larder::ItemView&) {};"
  print "  const auto read_visitor = [](const larder::Reading&) {};"
  print "  const auto info_visitor = [](const larder::ItemInfo&) {};"
  print "  const auto load = [&](uint64_t) { return ann; };"
  print "  const auto load_many = [](std::span<const uint64_t> missing) {"
  print "    return std::vector<std::optional<User>>(missing.size());"
  print "  };"
  print "  larder::LoadingCache<uint64_t, User> loading(cache);"
  print "  larder::LoadSource source;"
  print "  const auto post = [](std::function<void()> task) { task(); };"
  print "  larder::ObjectCacheOptions<int, Page> object_options;"
  print "  larder::LoadingObjectCache<int, Page> rendered(100);"
  print "  const auto make_page = [](int) { return Page(); };"
  print "  const std::shared_ptr<const Page> next;"
  print "  const auto start_page = [](int, larder::LoadingObjectCache<int, Page>::Completion) {};"
  print "  const auto take_page = [](const auto&) {};"
  print "  const auto metric_visitor = [](const larder::Metric&) {};\n"
  print calls "}\n\nint main() {}"
}
