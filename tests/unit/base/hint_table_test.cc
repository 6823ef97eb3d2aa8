#include "larder/internal/base/hint_table.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr HintTableSize kSize{.use = Use::kRemovalLog, .divisor = 512, .bytes_max = 64 * kMiB, .pages_min = 128};

// From this limit on there is a table.
size_t edge_bytes() { return 128 * os_page_bytes(); }

template <class Table>
struct Subject {
  explicit Subject(size_t limit_bytes, int uneven_bits = 0)
      : account(limit_bytes),
        space(AddressSpace::reserve(limit_bytes,
                                    [](const Extent& extent) { return Table::address_bytes(kSize, extent); })
                  .value()),
        table(kSize, account, space, uneven_bits) {}

  bool resize(size_t limit_bytes) {
    account.set_limit(limit_bytes);
    return table.resize();
  }

  Account account;
  AddressSpace space;
  Table table;
};

TEST_CASE_TEMPLATE("each hash has a set of eight words, selected by its upper bits", Table, HintTable<uint32_t>,
                   HintTable<uint64_t, true>) {
  Subject<Table> subject(64 * kMiB);
  CHECK_FALSE(subject.table.set_of(0));
  REQUIRE(subject.table.make());
  const size_t sets = subject.table.set_count();
  CHECK(sets == kMiB / 8 / sizeof(decltype(subject.table.set_at(0)[0].load())) / Table::kWays);
  for (uint64_t i = 0; i < sets; ++i) {
    const uint64_t hash = i * (UINT64_MAX / sets + 1) + 12345;
    const auto set = subject.table.set_of(hash);
    REQUIRE(set);
    CHECK(set->data() == subject.table.set_at(i).data());
    for (auto& word : *set) {
      CHECK(word.load() == 0);
      word.store(static_cast<uint32_t>(i + 1));
    }
  }
  // None lies in another one's place.
  for (uint64_t i = 0; i < sets; ++i) {
    for (const auto& word : subject.table.set_at(i)) CHECK(word.load() == i + 1);
  }
}

TEST_CASE("upper bits that are not uniformly distributed do not count") {
  Subject<HintTable<uint32_t>> subject(64 * kMiB, 3);
  REQUIRE(subject.table.make());
  const uint64_t hash = 0x123'4567'89ab'cdef;
  for (uint64_t upper = 0; upper < 8; ++upper) {
    CHECK(subject.table.set_of(hash | upper << 61)->data() == subject.table.set_of(hash)->data());
  }
  CHECK(subject.table.set_of(hash | uint64_t{1} << 60)->data() != subject.table.set_of(hash)->data());
}

TEST_CASE("a table from the end grows towards the begin of its space") {
  Subject<HintTable<uint64_t, true>> subject(64 * kMiB);
  REQUIRE(subject.table.make());
  const auto* const first = subject.table.set_at(0).data();
  CHECK(subject.table.set_at(1).data() + HintTable<uint64_t, true>::kWays == first);
  REQUIRE(subject.resize(512 * kMiB));
  CHECK(subject.table.set_at(0).data() == first);
}

TEST_CASE_TEMPLATE("a limit of too few pages has no sets, and one that is raised has again, all empty", Table,
                   HintTable<uint32_t>, HintTable<uint64_t, true>) {
  Subject<Table> subject(edge_bytes() - 1);
  REQUIRE(subject.table.make());
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(subject.table.set_of(0));
    CHECK(subject.table.set_count() == 0);
    CHECK(subject.account.used() == 0);
    CHECK_FALSE(subject.resize(edge_bytes() - 2));
    REQUIRE(subject.resize(edge_bytes()));
    REQUIRE(subject.table.set_of(0));
    CHECK(subject.account.used(kSize.use) == subject.table.bytes_at(edge_bytes()));
    CHECK((*subject.table.set_of(0))[0].load() == 0);
    (*subject.table.set_of(0))[0].store(7);
    CHECK_FALSE(subject.resize(edge_bytes() + 1));
    CHECK((*subject.table.set_of(0))[0].load() == 7);
    REQUIRE(subject.resize(edge_bytes() - 1));
  }
}

#if !defined(LARDER_ADDRESS_SANITIZER) && !defined(__SANITIZE_THREAD__)
// Runs `test` in a process of its own, to which the system grants no more memory. True where it grants it all the
// same, as under an emulator.
template <class Test>
bool holds_without_memory(Test&& test) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{1, 1};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) _exit(1);
    const bool is_granted =
        mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
    _exit(is_granted || test() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_CASE("a table that had no sets has none after a raise for which the system grants no memory") {
  Subject<HintTable<uint64_t, true>> subject(edge_bytes() - 1);
  REQUIRE(subject.table.make());
  CHECK(holds_without_memory([&] {
    (void)subject.resize(64 * kMiB);
    return !subject.table.set_of(0) && subject.table.set_count() == 0 && subject.account.used() == 0;
  }));
}

TEST_CASE("a table grows as far as the system grants, and never shrinks by a raise") {
  Subject<HintTable<uint64_t, true>> subject(1024 * kMiB);
  subject.account.set_limit(64 * kMiB);
  REQUIRE(subject.table.make());
  const size_t sets = subject.table.set_count();
  CHECK(holds_without_memory([&] {
    (void)subject.resize(4096 * kMiB);
    return subject.table.set_count() >= sets && subject.table.set_count() < 64 * sets &&
           subject.account.used() >= subject.table.bytes_at(64 * kMiB) && subject.table.set_of(0);
  }));
}
#endif

TEST_CASE_TEMPLATE("threads use it while another one takes its sets away and brings them back", Table,
                   HintTable<uint32_t>, HintTable<uint64_t, true>) {
  Subject<Table> subject(edge_bytes());
  REQUIRE(subject.table.make());
  std::atomic<bool> is_over{false};
  std::atomic<size_t> found{0}, missing{0};
  const auto use = [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!is_over) {
      const uint64_t hash = random();
      const auto set = subject.table.set_of(hash);
      ++(set ? found : missing);
      if (!set) continue;
      for (auto& word : *set) word.store(word.load() + 1);
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t seed = 1; seed <= 2; ++seed) threads.emplace_back(use, seed);
  for (int i = 0; i < 300'000 || found == 0 || missing == 0; ++i) {
    subject.resize(edge_bytes() - (i % 2 == 0 ? 1 : 0));
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace larder::internal
