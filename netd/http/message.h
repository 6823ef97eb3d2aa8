// What a client of the HTTP port asks, and what it is answered. Knows no socket.
#ifndef NETD_HTTP_MESSAGE_H_
#define NETD_HTTP_MESSAGE_H_

#include <memory>
#include <string>
#include <utility>

namespace netd::http {

struct Request {
  std::string method = {};         // "GET"
  std::string target = {};         // "/api/v1/stats?x=1"
  std::string host = {};           // what the Host field says
  std::string accept = {};         // media types the client prefers
  std::string authorization = {};  // "Basic …", or empty

  // The target without what follows a question mark.
  [[nodiscard]] std::string path() const { return target.substr(0, target.find('?')); }
  // What follows it: "x=1".
  [[nodiscard]] std::string query() const {
    const size_t mark = target.find('?');
    return mark == std::string::npos ? std::string() : target.substr(mark + 1);
  }
};

struct Reply {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::shared_ptr<const std::string> body;  // shared by those who ask for the same within a second
  std::string allow = {};                   // given: the methods that are allowed
  std::string challenge = {};               // given: how to authenticate
};

[[nodiscard]] inline Reply text_reply(int status, std::string text) {
  return {.status = status, .body = std::make_shared<const std::string>(std::move(text))};
}

}  // namespace netd::http

#endif  // NETD_HTTP_MESSAGE_H_
