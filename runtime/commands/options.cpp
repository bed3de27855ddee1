#include "runtime/checkpoint.h"
#include "runtime/commands/commands.h"
#include "runtime/thread_pool.h"

namespace rnrun {

void add_threads_option(CLI::App& app, int& threads) {
  app.add_option("-j,--threads", threads,
                 "threads; by default OMP_NUM_THREADS or the CPUs this process may use")
      ->check(CLI::Range(1, kMaxThreads));
}

CLI::Option* add_batch_option(CLI::App& app, int64_t& batch, const std::string& help) {
  return app.add_option("-b,--batch-size", batch, help)->check(CLI::Range(int64_t{1}, kMaxBatch));
}

}  // namespace rnrun
