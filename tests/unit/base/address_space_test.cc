#include "larder/internal/base/address_space.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kGiB = size_t{1} << 30;

// As a cache has it, but for what is short.
size_t bytes_for(const Extent& extent) { return (1 + extent.large_factor) * extent.limit_bytes; }

// Runs `test` in a process of its own, which may have so much address space, and has some already.
template <class Test>
bool holds_with(size_t address_bytes, Test&& test) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{address_bytes, address_bytes};
    _exit(setrlimit(RLIMIT_AS, &limit) == 0 && test() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_CASE(
    "a limit can be raised: small ones little, so that there may be many, larger ones to 16 GiB or four times") {
  const auto extent = [](size_t limit) { return AddressSpace::reserve(limit, bytes_for).value().extent(); };
  CHECK(extent(kMiB).limit_bytes == 16 * kMiB);
  CHECK(extent(4 * kMiB).limit_bytes == 256 * kMiB);
  CHECK(extent(64 * kMiB).limit_bytes == 16 * kGiB);
  CHECK(extent(8 * kGiB).limit_bytes == 32 * kGiB);
  CHECK(extent(512 * kGiB).limit_bytes == 1024 * kGiB);
  CHECK(extent(1024 * kGiB).limit_bytes == 1024 * kGiB);
  CHECK(extent(kMiB).large_factor == 4);
}

#if !defined(LARDER_ADDRESS_SANITIZER) && !defined(__SANITIZE_THREAD__)
TEST_CASE("where address space is short, less is reserved, and as much again is left") {
  const auto reserves = [](size_t limit_bytes, size_t large_factor) {
    const absl::StatusOr<AddressSpace> space = AddressSpace::reserve(64 * kMiB, bytes_for);
    return space.ok() && space->extent().limit_bytes == limit_bytes && space->extent().large_factor == large_factor;
  };
  CHECK(holds_with(16 * kGiB, [&] { return reserves(kGiB, 4); }));
  CHECK(holds_with(kGiB, [&] { return reserves(64 * kMiB, 4); }));
  CHECK(holds_with(600 * kMiB, [&] { return reserves(64 * kMiB, 2); }));
  CHECK(holds_with(350 * kMiB, [&] { return reserves(64 * kMiB, 1); }));
}

TEST_CASE("space that cannot be had is reported with its size") {
  CHECK(holds_with(200 * kMiB, [] {
    const absl::StatusOr<AddressSpace> space = AddressSpace::reserve(64 * kMiB, bytes_for);
    return space.status().code() == absl::StatusCode::kResourceExhausted &&
           std::string(space.status().message()).find(std::to_string(128 * kMiB)) != std::string::npos;
  }));
}
#endif

}  // namespace
}  // namespace larder::internal
