// The terminal that `netd --top` runs in.
#ifndef NETD_TOP_TERMINAL_H_
#define NETD_TOP_TERMINAL_H_

#include <termios.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace netd::top {

// While it lives, the terminal shows a screen of its own, without a cursor, and keys come as they are pressed.
class Terminal {
 public:
  // Whether standard input and output are a terminal.
  [[nodiscard]] static bool is_there();

  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  struct Size {
    size_t columns = 80;
    size_t rows = 24;
  };
  [[nodiscard]] Size size() const;

  void show(const std::vector<std::string>& lines);

  // The key that is pressed before that time has passed; 0: none, or a signal came. 'q' at the end of the input.
  [[nodiscard]] char wait_for_key(std::chrono::milliseconds time);

 private:
  termios before_{};
};

}  // namespace netd::top

#endif  // NETD_TOP_TERMINAL_H_
