#include "netd/auth_file.h"

#include <doctest/doctest.h>

#include <string>

#include "netd/start_error.h"
#include "temporary_file.h"

namespace netd {
namespace {

std::string users(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "user" + std::to_string(i) + ":password\n";
  return text;
}

TEST_CASE("a user with the right password is accepted, and nobody else") {
  const TemporaryFile file("alice:secret\r\n\nbob:two words:and a colon\nnobody:\n");
  const AuthFile auth(file.path);
  CHECK(auth.is_required());
  CHECK(auth.accepts("alice secret"));
  CHECK(auth.accepts("bob two words:and a colon"));
  CHECK(auth.accepts("nobody "));
  for (const char* const text : {"alice", "alice ", "alice secre", "alice secrets", "alice  secret", "Alice secret",
                                 "bob secret", "alice two words:and a colon", " secret", "", "nobody x"}) {
    CAPTURE(text);
    CHECK_FALSE(auth.accepts(text));
  }
}

TEST_CASE("without a file nothing is required") { CHECK_FALSE(AuthFile("").is_required()); }

TEST_CASE("eight users are read, a ninth is not") {
  const TemporaryFile file(users(9));
  const AuthFile auth(file.path);
  CHECK(auth.accepts("user7 password"));
  CHECK_FALSE(auth.accepts("user8 password"));
}

TEST_CASE("a line has up to 255 bytes and a colon, and there is one") {
  const TemporaryFile file("a:" + std::string(253, 'x') + "\n");
  CHECK(AuthFile(file.path).accepts("a " + std::string(253, 'x')));
  for (const std::string& text :
       {"a:" + std::string(254, 'x') + "\n", std::string("no colon\n"), std::string("\n")}) {
    file.write(text);
    CHECK_THROWS_AS(AuthFile(file.path), StartError);
  }
  CHECK_THROWS_WITH(AuthFile("/nonexistent", "--auth-file"),
                    "--auth-file: cannot read '/nonexistent': No such file or directory");
}

TEST_CASE("reading again takes a good file, and leaves the users alone for a bad one") {
  const TemporaryFile file("a:1\n");
  AuthFile auth(file.path);
  file.write("b:2\n");
  CHECK(auth.reload().empty());
  CHECK(auth.accepts("b 2"));
  CHECK_FALSE(auth.accepts("a 1"));
  file.write("nonsense\n");
  CHECK_FALSE(auth.reload().empty());
  CHECK(auth.accepts("b 2"));
}

}  // namespace
}  // namespace netd
