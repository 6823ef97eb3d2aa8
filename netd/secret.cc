#include "netd/secret.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace netd {
namespace {

using Padded = std::array<char, kSecretBytesMax>;

Padded pad(std::string_view text) {
  Padded padded{};
  std::copy_n(text.begin(), std::min(text.size(), padded.size()), padded.begin());
  return padded;
}

}  // namespace

bool is_same_secret(std::string_view given, std::string_view secret) {
  assert(secret.size() <= kSecretBytesMax);
  const Padded a = pad(given);
  const Padded b = pad(secret);
  int difference = given.size() == secret.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return difference == 0;
}

}  // namespace netd
