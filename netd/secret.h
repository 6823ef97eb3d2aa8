// Comparing what a client says with what only a few know.
#ifndef NETD_SECRET_H_
#define NETD_SECRET_H_

#include <cstddef>
#include <string_view>

namespace netd {

// The longest secret there is.
inline constexpr size_t kSecretBytesMax = 255;

// Whether `given`, of any length, is `secret`, of up to kSecretBytesMax bytes. Takes the same time whatever they
// are: a client that measures how long it waits for its refusal learns nothing about the secret.
[[nodiscard]] bool is_same_secret(std::string_view given, std::string_view secret);

}  // namespace netd

#endif  // NETD_SECRET_H_
