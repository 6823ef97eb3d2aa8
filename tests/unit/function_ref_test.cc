#include "larder/function_ref.h"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "doctest/doctest.h"

namespace larder {
namespace {

int twice(int number) { return 2 * number; }

struct Counter {
  int operator()() { return ++count; }
  int count = 0;
};

TEST_CASE("functions, function objects and lambdas are called where they are") {
  const FunctionRef<int(int)> function = twice;
  CHECK(function(3) == 6);
  const FunctionRef<int(int)> pointer = &twice;
  CHECK(pointer(4) == 8);
  Counter counter;
  const FunctionRef<int()> object = counter;
  CHECK(object() + object() == 3);
  CHECK(counter.count == 2);
  const auto constant = [](int number) { return number + 1; };
  CHECK(FunctionRef<long(int)>(constant)(1) == 2);
}

TEST_CASE("a result that nobody wants is dropped, and arguments are passed on as they are") {
  Counter counter;
  FunctionRef<void()>{counter}();
  CHECK(counter.count == 1);
  std::unique_ptr<std::string> kept;
  const auto keep = [&](std::unique_ptr<std::string> text) { kept = std::move(text); };
  FunctionRef<void(std::unique_ptr<std::string>)>{keep}(std::make_unique<std::string>("moved"));
  CHECK(*kept == "moved");
}

TEST_CASE("a copy refers to what the original does, and what cannot be called is refused") {
  Counter counter;
  const FunctionRef<int()> first = counter;
  const FunctionRef<int()> second = first;
  CHECK(first() == 1);
  CHECK(second() == 2);
  static_assert(!std::is_constructible_v<FunctionRef<int(int)>, std::string&>);
  static_assert(!std::is_constructible_v<FunctionRef<int(std::string)>, decltype(twice)&>);
}

}  // namespace
}  // namespace larder
