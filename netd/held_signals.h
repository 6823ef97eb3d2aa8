// Blocks signals for the calling thread, and for the threads it starts meanwhile.
#ifndef NETD_HELD_SIGNALS_H_
#define NETD_HELD_SIGNALS_H_

#include <signal.h>

#include <initializer_list>

namespace netd {

// While it lives, signals are blocked; they wait for its end, or for a thread that takes them.
class HeldSignals {
 public:
  // All signals, except those that a fault of the thread itself raises, and those of profilers.
  HeldSignals();
  explicit HeldSignals(std::initializer_list<int> signals);
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_;
};

// The same without an end: for a process that is about to end, and must do so in its own way.
void hold_for_good(std::initializer_list<int> signals);

}  // namespace netd

#endif  // NETD_HELD_SIGNALS_H_
