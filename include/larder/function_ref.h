// A reference to something callable: the parameter type of visitors, predicates and updaters.
#ifndef LARDER_FUNCTION_REF_H_
#define LARDER_FUNCTION_REF_H_

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace larder {

template <class Signature>
class FunctionRef;

// Refers to a function or a function object (a mutable lambda, too) that must live until the last call. A
// temporary passed as an argument does. A call costs one indirect call; nothing is allocated.
template <class Result, class... Arguments>
class FunctionRef<Result(Arguments...)> {
 private:
  // For a pointer to a function, the function itself: the pointer may be a temporary.
  template <class Callable>
  static auto& target_of(Callable& callable) {
    if constexpr (std::is_pointer_v<Callable> && std::is_function_v<std::remove_pointer_t<Callable>>) {
      return *callable;
    } else {
      return callable;
    }
  }

 public:
  // From anything that can be called with these arguments.
  template <class Callable>
  requires(!std::same_as<std::remove_cvref_t<Callable>, FunctionRef> &&
           std::is_invocable_r_v<Result, Callable&, Arguments...>)
      FunctionRef(Callable&& callable)  // NOLINT: it stands for the callable
      : callable_(address_of(target_of(callable))),
        call_(&call<std::remove_reference_t<decltype(target_of(callable))>>) {}

  // Calls it.
  Result operator()(Arguments... arguments) const {
    return call_(callable_, std::forward<Arguments>(arguments)...);
  }

 private:
  template <class Callable>
  static Result call(void* callable, Arguments... arguments) {
    Callable& target = *of_address<Callable>(callable);
    if constexpr (std::is_void_v<Result>) {
      std::invoke(target, std::forward<Arguments>(arguments)...);
    } else {
      return std::invoke(target, std::forward<Arguments>(arguments)...);
    }
  }

  // POSIX guarantees that a function's address fits into an object pointer.
  template <class Callable>
  static void* address_of(Callable& callable) {
    if constexpr (std::is_function_v<Callable>) {
      return reinterpret_cast<void*>(&callable);
    } else {
      return const_cast<void*>(static_cast<const void*>(std::addressof(callable)));
    }
  }
  template <class Callable>
  static Callable* of_address(void* address) {
    if constexpr (std::is_function_v<Callable>) {
      return reinterpret_cast<Callable*>(address);
    } else {
      return static_cast<Callable*>(address);
    }
  }

  void* callable_;
  Result (*call_)(void* callable, Arguments... arguments);
};

}  // namespace larder

#endif  // LARDER_FUNCTION_REF_H_
