// Stopping on request: the first SIGINT (Ctrl-C), SIGTERM or SIGHUP (the terminal was closed; not under nohup, which has
// it ignored) asks the program to finish its batch and save, the second ends it at once.
#pragma once

namespace rnrun {

// While an object lives, the signals are caught; afterwards they end the program again. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
};

// The signal that asked to stop, or 0. The exit status is then 128 plus it: 130 after Ctrl-C.
int interrupted();

}  // namespace rnrun
