// Compares what a client sends with a secret.
#ifndef NETD_SECRET_H_
#define NETD_SECRET_H_

#include <cstddef>
#include <string_view>

namespace netd {

// The maximum length of a secret.
inline constexpr size_t kSecretBytesMax = 255;

// Whether `given`, of any length, equals `secret`, of up to kSecretBytesMax bytes. Takes the same time whatever
// they are: a client that measures the time to its refusal learns nothing about the secret.
[[nodiscard]] bool is_same_secret(std::string_view given, std::string_view secret);

}  // namespace netd

#endif  // NETD_SECRET_H_
