// Relacy searches the executions of the engine's protocols that the C++ memory model allows.
//
// A scenario is a protocol in miniature; its header says what it stands for and what must hold. It holds with the
// engine's orders. Then each order is weakened in turn, and a scenario fails, or the table says why none can.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "doctest/doctest.h"
#include "memory_model/counters.h"
#include "memory_model/emptied_segment.h"
#include "memory_model/erased_tag.h"
#include "memory_model/event.h"
#include "memory_model/flush_generation.h"
#include "memory_model/in_place_change.h"
#include "memory_model/last_telling.h"
#include "memory_model/orders.h"
#include "memory_model/page_moves.h"
#include "memory_model/pin_and_drain.h"
#include "memory_model/publish.h"
#include "memory_model/relacy.h"
#include "memory_model/segment_reuse.h"

namespace larder::memory_model {
namespace {

// With the engine's orders, and with weaker ones.
constexpr unsigned kSwitches = 3;
constexpr unsigned kSwitchesWhenWeakened = 2;

using Scenario = std::string(unsigned switches_max);
constexpr Scenario* kChangeBesideRead = simulate<ChangeBesideRead>;
constexpr Scenario* kChangeBesideLongerRead = simulate<ChangeBesideLongerRead>;
constexpr Scenario* kUseBesideErase = simulate<UseBesideErase>;
constexpr Scenario* kPublish = simulate<Publish>;
constexpr Scenario* kSegmentReuse = simulate<SegmentReuse>;
constexpr Scenario* kSegmentGivenBack = simulate<SegmentGivenBack>;
constexpr Scenario* kLastOneOut = simulate<LastOneOut>;
constexpr Scenario* kEmptiedTwice = simulate<EmptiedTwice>;
constexpr Scenario* kPageMoves = simulate<PageMoves>;
constexpr Scenario* kDirectoryGrows = simulate<DirectoryGrows>;
constexpr Scenario* kDueFlushBesideChange = simulate<DueFlushBesideChange>;
constexpr Scenario* kDueFlushBesideRead = simulate<DueFlushBesideRead>;
constexpr Scenario* kFlushAllBesideChange = simulate<FlushAllBesideChange>;
constexpr Scenario* kFlushBesideStore = simulate<FlushBesideStore>;
constexpr Scenario* kPinAndDrain = simulate<PinAndDrain>;
constexpr Scenario* kPinnedRecordStays = simulate<PinnedRecordStays>;
constexpr Scenario* kHandlesShareRoom = simulate<HandlesShareRoom>;
constexpr Scenario* kErasureBesideLoad = simulate<ErasureBesideLoad>;
constexpr Scenario* kEventWithTimer = simulate<EventWithTimer>;
constexpr Scenario* kLastTelling = simulate<LastTelling>;
constexpr Scenario* kNumberPassedOn = simulate<NumberPassedOn>;
constexpr Scenario* kMoreBlocks = simulate<MoreBlocks>;
constexpr Scenario* kResetBesideSum = simulate<ResetBesideSum>;
constexpr std::array kScenarios = {
    kChangeBesideRead,
    kChangeBesideLongerRead,
    kUseBesideErase,
    kPublish,
    kSegmentReuse,
    kSegmentGivenBack,
    kLastOneOut,
    kEmptiedTwice,
    kPageMoves,
    kDirectoryGrows,
    kDueFlushBesideChange,
    kDueFlushBesideRead,
    kFlushAllBesideChange,
    kFlushBesideStore,
    kPinAndDrain,
    kPinnedRecordStays,
    kHandlesShareRoom,
    kErasureBesideLoad,
    kEventWithTimer,
    kLastTelling,
    kNumberPassedOn,
    kMoreBlocks,
    kResetBesideSum,
};

// An order, made weaker, and what fails then.
struct Row {
  const Site& site;
  rl::memory_order to;
  Scenario* fails = nullptr;
  // Why nothing fails, or only when another order is relaxed, too.
  std::string_view why = {};
  const Site* with = nullptr;
};

constexpr std::string_view kBucketsHaveFences =
    "a page is written within changes of its buckets, and their fences come after the layout became odd";
constexpr std::string_view kStandsForItself =
    "nothing else is read on the strength of a generation, and who must see it comes after the flush by itself";
constexpr std::string_view kIsAlone =
    "others look at a large item's fill word under the log's mutex or after its slot was published";
constexpr std::string_view kSealedIsClosed =
    "who wants room finds the segment closed, and what its writers did is acquired when they are seen to be gone";
constexpr std::string_view kFencesAndMutex =
    "a bucket's change releases it by its fence, and it is acquired again under the log's mutex";
constexpr std::string_view kOnlyDraining =
    "without the log's mutex a state is read as a hint, or to see whether it is kDraining";

const std::array kRows = std::to_array<Row>({
    // index
    {kBucketChangeBegin, mo_relaxed, kChangeBesideRead},
    {kBucketChangeEnd, mo_relaxed, kChangeBesideRead},
    {kLoadBucket, mo_relaxed, kChangeBesideRead},
    {kFindEnd, mo_relaxed, kChangeBesideRead},
    {kLoadBucketFurther, mo_relaxed, kChangeBesideLongerRead},
    {kFindFurtherEnd, mo_relaxed, kChangeBesideLongerRead},
    {kStartProbe, mo_relaxed, kPageMoves},
    {kLayoutChangeBegin, mo_relaxed, nullptr, kBucketsHaveFences},
    {kLayoutChangeEnd, mo_relaxed, kPageMoves},
    {kDirectoryInstall, mo_relaxed, kDirectoryGrows},
    {kDirectoryEntry, mo_relaxed, kDirectoryGrows},
    {kDirectoryDepth, mo_relaxed, nullptr, "the depth is asked for under the stripe's mutex"},
    {kFlush, mo_relaxed, nullptr, kStandsForItself},
    {kGeneration, mo_relaxed, nullptr, kStandsForItself},
    // record
    {kCreate, mo_relaxed, kSegmentReuse},
    // log: room
    {kReserve, mo_relaxed, kFlushBesideStore, "the room is taken with an acquire of the fill word", &kAppend},
    {kAppend, mo_relaxed, kSegmentReuse},
    {kOpenFill, mo_relaxed, kSegmentReuse},
    {kOpenNext, mo_relaxed, kFlushBesideStore, "the fill word was released just before", &kOpenFill},
    {kLargeFill, mo_relaxed, nullptr, kIsAlone},
    {kCommit, mo_relaxed, kEmptiedTwice},
    {kHasWriters, mo_relaxed, kEmptiedTwice},
    {kUsedBytes, mo_relaxed, kPublish, "its writers were seen to be gone before", &kHasWriters},
    {kSeal, mo_relaxed, nullptr, kSealedIsClosed},
    // log: freeing
    {kRemoveLive, mo_relaxed, kLastOneOut, kFencesAndMutex, &kNothingLive},
    {kNothingLive, mo_relaxed, kEmptiedTwice},
    {kPin, mo_relaxed, nullptr, "who looks for it has taken the stripe's mutex since"},
    {kIsPinned, mo_acquire, kPinAndDrain},
    {kIsPinned, mo_relaxed, kPinnedRecordStays},
    {kUnpin, mo_acq_rel, kPinAndDrain},
    {kUnpin, mo_acquire, kPinnedRecordStays},
    {kIsDraining, mo_acquire, kPinAndDrain},
    {kDrain, mo_release, kPinAndDrain},
    {kStart, mo_relaxed, nullptr, kOnlyDraining},
    {kSealed, mo_relaxed, nullptr, kOnlyDraining},
    {kCleaning, mo_relaxed, nullptr, kOnlyDraining},
    {kReturning, mo_relaxed, nullptr, kOnlyDraining},
    {kFree, mo_relaxed, nullptr, kOnlyDraining},
    {kUnused, mo_relaxed, nullptr, kOnlyDraining},
    // engine
    {kErase, mo_relaxed, kErasureBesideLoad},
    {kErasures, mo_relaxed, kErasureBesideLoad},
    {kNow, mo_relaxed, kDueFlushBesideChange},
    {kMoment, mo_relaxed, kDueFlushBesideRead},
    {kFlushDone, mo_relaxed, kDueFlushBesideChange},
    {kFlushAll, mo_relaxed, kFlushAllBesideChange},
    // loader
    {kHappen, mo_relaxed, kEventWithTimer},
    {kWait, mo_relaxed, kEventWithTimer},
    // objects
    {kTold, mo_relaxed, kLastTelling},
    {kAwaitTold, mo_relaxed, kLastTelling},
    // counters
    {kTakeNumber, mo_relaxed, kNumberPassedOn},
    {kGiveNumberBack, mo_relaxed, kNumberPassedOn},
    {kBlockOfMany, mo_relaxed, kMoreBlocks},
    {kTotal, mo_relaxed, kMoreBlocks},
    {kMakeMore, mo_acquire, kMoreBlocks},
    {kMakeMore, mo_release, kMoreBlocks},
    {kReset, mo_relaxed, kResetBesideSum},
    {kSum, mo_relaxed, kResetBesideSum},
});

// While it lives, orders are weaker than the engine's.
class Weakened {
 public:
  explicit Weakened(Weakening one, Weakening other = {}) { weakenings = {one, other}; }
  ~Weakened() { weakenings = {}; }
  Weakened(const Weakened&) = delete;
  Weakened& operator=(const Weakened&) = delete;
};

void check_holds(Scenario* scenario) {
  const std::string failure = scenario(kSwitches);
  CHECK_MESSAGE(failure.empty(), failure);
}

std::string without_white_space(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  return text;
}

TEST_CASE("a reader believes no half of a change in place") { check_holds(kChangeBesideRead); }
TEST_CASE("a reader whose search is longer believes no half of a change in place") {
  check_holds(kChangeBesideLongerRead);
}
TEST_CASE("a use that is counted late brings no erased slot back") { check_holds(kUseBesideErase); }
TEST_CASE("a record that is published is whole, for a reader and for the cleaner") { check_holds(kPublish); }
TEST_CASE("a reader believes nothing of a segment that is used again") { check_holds(kSegmentReuse); }
TEST_CASE("a reader believes nothing of a segment that went back to the system") { check_holds(kSegmentGivenBack); }
TEST_CASE("a segment is freed by the last one out after all others are done") { check_holds(kLastOneOut); }
TEST_CASE("a segment that is emptied twice is freed once, with nothing live in it") { check_holds(kEmptiedTwice); }
TEST_CASE("an item is found while its page moves") { check_holds(kPageMoves); }
TEST_CASE("an item is found while its directory grows") { check_holds(kDirectoryGrows); }
TEST_CASE("a change comes after the flush that was due before it") { check_holds(kDueFlushBesideChange); }
TEST_CASE("a read comes after the flush that was due before it") { check_holds(kDueFlushBesideRead); }
TEST_CASE("a change comes after the flush_all that took the place of one due before it") {
  check_holds(kFlushAllBesideChange);
}
TEST_CASE("what a flush makes stale lies in segments from before it") { check_holds(kFlushBesideStore); }
TEST_CASE("a segment is freed once, when its records and pins are gone") { check_holds(kPinAndDrain); }
TEST_CASE("a pinned record stays as it is") { check_holds(kPinnedRecordStays); }
TEST_CASE("a segment's room counts once for all handles to it") { check_holds(kHandlesShareRoom); }
TEST_CASE("all that wait for an event are woken, and see what was done before it") { check_holds(kEventWithTimer); }
TEST_CASE("a listener is not told after its end") { check_holds(kLastTelling); }
TEST_CASE("a thread loses nothing that was counted by the one whose number it got") {
  check_holds(kNumberPassedOn);
}
TEST_CASE("new blocks of counters begin at zero") { check_holds(kMoreBlocks); }
TEST_CASE("no count is below zero while it is reset") { check_holds(kResetBesideSum); }

TEST_CASE("where an order is weaker, something fails, or the table says why not") {
  const auto holds = [](Scenario* scenario) { return scenario(kSwitchesWhenWeakened).empty(); };
  for (const Row& row : kRows) {
    const std::string what = std::string(row.site.source()) + " as " + rl::format(row.to);
    CAPTURE(what);
    CHECK((row.fails == nullptr || row.with != nullptr) == !row.why.empty());
    const Weakening weakening{&row.site, row.to};
    if (!row.why.empty()) {
      const Weakened weakened(weakening);
      CHECK(std::ranges::all_of(kScenarios, holds));
    }
    if (row.with != nullptr) {
      const Weakened weakened({row.with, mo_relaxed});
      CHECK(holds(row.fails));
    }
    if (row.fails != nullptr) {
      const Weakened weakened(weakening, {row.with, mo_relaxed});
      CHECK_FALSE(holds(row.fails));
    }
  }
}

TEST_CASE("the table has every order of the engine that is more than relaxed") {
  std::string sources;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(INTERNAL_HEADERS)) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream file(entry.path());
    sources += without_white_space({std::istreambuf_iterator<char>(file), {}});
  }
  std::string rest = sources;
  for (const Row& row : kRows) {
    const std::string line = without_white_space(std::string(row.site.source()));
    CHECK_MESSAGE(sources.find(line) != std::string::npos,
                  "the engine has no such line, so its model is out of date: ", row.site.source());
    for (size_t at; (at = rest.find(line)) != std::string::npos;) rest.erase(at, line.size());
  }
  for (const std::string_view order : {"acquire", "release", "acq_rel", "seq_cst"}) {
    const size_t at = rest.find("std::memory_order_" + std::string(order));
    CHECK_MESSAGE(at == std::string::npos, "no row for: ", rest.substr(at - std::min<size_t>(at, 100), 160));
  }
}

}  // namespace
}  // namespace larder::memory_model
