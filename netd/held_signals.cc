#include "netd/held_signals.h"

#include <poll.h>

namespace netd {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

HeldSignals::HeldSignals() {
  sigset_t held;
  sigfillset(&held);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) {
    sigdelset(&held, signal);
  }
  pthread_sigmask(SIG_BLOCK, &held, &before_);
}

HeldSignals::HeldSignals(std::initializer_list<int> signals) {
  const sigset_t held = set_of(signals);
  pthread_sigmask(SIG_BLOCK, &held, &before_);
  // ThreadSanitizer before LLVM 15 loses a signal that comes while a thread's first wait is prepared: this is one.
  poll(nullptr, 0, 0);
}

HeldSignals::~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void hold_for_good(std::initializer_list<int> signals) {
  const sigset_t held = set_of(signals);
  pthread_sigmask(SIG_BLOCK, &held, nullptr);
}

}  // namespace netd
