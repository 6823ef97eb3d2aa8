// Where in the sources an instruction of this program lies.
#ifndef LARDER_TESTS_BENCH_PLACE_H_
#define LARDER_TESTS_BENCH_PLACE_H_

#include <link.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "fmt/core.h"

namespace larder::bench {

// "file:line" of the engine's code that the instruction before `address` belongs to, without what the atomics, the
// locks and the standard library were inlined from. The address itself if binutils' addr2line is not there.
inline std::string place_of(uintptr_t address) {
  uintptr_t start = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* program, size_t, void* to) {
        *static_cast<uintptr_t*>(to) = program->dlpi_addr;
        return 1;  // the program itself comes first
      },
      &start);
  const std::string command =
      fmt::format("addr2line -i -e /proc/{}/exe {:x} 2>/dev/null", getpid(), address - start - 1);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> lines(popen(command.c_str(), "r"), pclose);
  std::array<char, 512> line;
  std::string in_base;  // in case there is nothing else
  while (lines && std::fgets(line.data(), line.size(), lines.get()) != nullptr) {
    std::string place = line.data();
    const size_t engine = place.rfind("larder/internal/");
    if (engine == std::string::npos) continue;
    place = place.substr(engine + std::string_view("larder/internal/").size());
    place = place.substr(0, place.find_first_of(" \n"));
    if (!place.starts_with("base/")) return place;
    in_base = place;
  }
  if (!in_base.empty()) return in_base;
  return fmt::format("{:#x}", address);
}

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_PLACE_H_
