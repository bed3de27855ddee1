#include "runtime/commands/commands.h"
#include "runtime/thread_pool.h"

namespace rnrun {

void add_threads_option(CLI::App& app, int& threads) {
  app.add_option("-j,--threads", threads,
                 "threads; by default OMP_NUM_THREADS or the CPUs this process may use")
      ->check(CLI::Range(1, kMaxThreads));
}

}  // namespace rnrun
