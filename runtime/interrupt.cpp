#include "runtime/interrupt.h"

#include <unistd.h>

#include <csignal>

namespace rnrun {

namespace {

// A signal handler can reach nothing else.
volatile std::sig_atomic_t stop_signal = 0;

extern "C" void on_signal(int signal) {
  if (stop_signal != 0) _exit(128 + signal);
  stop_signal = signal;
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  stop_signal = 0;
  handle(on_signal);
}

InterruptGuard::~InterruptGuard() { handle(SIG_DFL); }

int interrupted() { return stop_signal; }

}  // namespace rnrun
