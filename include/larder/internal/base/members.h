// The members of an aggregate, by structured bindings.
#ifndef LARDER_INTERNAL_BASE_MEMBERS_H_
#define LARDER_INTERNAL_BASE_MEMBERS_H_

#include <cstddef>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace larder::internal {

// Converts to anything. Never called.
struct AnyMember {
  template <class T>
  operator T() const {  // NOLINT
    std::abort();
  }
};

template <class T, size_t... kNumbers>
constexpr bool can_have_members(std::index_sequence<kNumbers...>) {
  return requires { T{(static_cast<void>(kNumbers), AnyMember())...}; };
}

inline constexpr size_t kMembersMax = 16;

// How many members it has; more than kMembersMax: that they are too many.
template <class T, size_t kCount = kMembersMax + 1>
constexpr size_t member_count() {
  if constexpr (kCount == 0 || can_have_members<T>(std::make_index_sequence<kCount>())) {
    return kCount;
  } else {
    return member_count<T, kCount - 1>();
  }
}

// Calls visit(member, …) with all of them.
template <class T, class Visit>
decltype(auto) with_members(T& value, Visit&& visit) {
  constexpr size_t kCount = member_count<std::remove_const_t<T>>();
  static_assert(kCount <= kMembersMax, "an aggregate with more than 16 members needs a larder::Codec: see codec.h");
  if constexpr (kCount == 0) {
    return visit();
  } else if constexpr (kCount == 1) {
    auto& [a] = value;
    return visit(a);
  } else if constexpr (kCount == 2) {
    auto& [a, b] = value;
    return visit(a, b);
  } else if constexpr (kCount == 3) {
    auto& [a, b, c] = value;
    return visit(a, b, c);
  } else if constexpr (kCount == 4) {
    auto& [a, b, c, d] = value;
    return visit(a, b, c, d);
  } else if constexpr (kCount == 5) {
    auto& [a, b, c, d, e] = value;
    return visit(a, b, c, d, e);
  } else if constexpr (kCount == 6) {
    auto& [a, b, c, d, e, f] = value;
    return visit(a, b, c, d, e, f);
  } else if constexpr (kCount == 7) {
    auto& [a, b, c, d, e, f, g] = value;
    return visit(a, b, c, d, e, f, g);
  } else if constexpr (kCount == 8) {
    auto& [a, b, c, d, e, f, g, h] = value;
    return visit(a, b, c, d, e, f, g, h);
  } else if constexpr (kCount == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = value;
    return visit(a, b, c, d, e, f, g, h, i);
  } else if constexpr (kCount == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = value;
    return visit(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (kCount == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = value;
    return visit(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (kCount == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = value;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (kCount == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = value;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else if constexpr (kCount == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = value;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  } else if constexpr (kCount == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = value;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  } else {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = value;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_MEMBERS_H_
