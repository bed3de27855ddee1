// rnrun bench: how fast a model is, against the machine's limit, and where the time goes.
#include "runtime/measure/bench.h"

#include <fmt/format.h>

#include <memory>

#include "runtime/commands/commands.h"
#include "runtime/support/memory.h"
#include "runtime/support/output.h"
#include "runtime/support/thread_pool.h"

namespace rnrun {

namespace {

struct BenchCommand {
  ModelFlags model;
  std::string mode = "train";
  BenchOptions bench;
  size_t top = 30;
  bool json = false;
};

void print_kernels(const BenchResult& r, size_t top) {
  print("\n{:<32} {:<12} {:<28} {:>9} {:>9} {:>7} {:>7} {:>9}\n", "layer", "direction", "algorithm or kernel",
        "ms", "GFLOP/s", "GB/s", "share", "limit ms");
  double limits = 0;
  for (size_t i = 0; i < r.kernels.size(); ++i) {
    const KernelTime& k = r.kernels[i];
    limits += k.limit_ms;
    if (i >= top) continue;
    print("{:<32} {:<12} {:<28} {:>9.3f} {:>9} {:>7.1f} {:>5.1f} % {:>9.3f} {}\n", k.layer, k.direction,
          k.algorithm.empty() ? k.kernel : k.algorithm, k.ms,
          k.gflops > 0 ? fmt::format("{:.1f}", k.gflops) : "", k.gbs, 100 * k.share, k.limit_ms,
          k.memory_bound ? "memory" : "compute");
  }
  if (r.kernels.size() > top) print("and {} kernel calls more\n", r.kernels.size() - top);
  print("all kernel calls: {:.3f} ms, {:.1f} % of the {:.3f} ms; their limits: {:.3f} ms\n", r.kernels_ms,
        100 * r.kernels_ms / r.min_ms, r.min_ms, limits);
}

int run(const BenchCommand& options) {
  BenchOptions bench_options = options.bench;
  bench_options.mode = options.mode == "train" ? BenchMode::train : BenchMode::infer;
  const auto model = load_model(options.model);
  check_inputs(*model, model->entry(bench_options.mode == BenchMode::train ? RN_TRAIN_STEP : RN_INFER),
               options.bench.inputs);
  const BenchResult r = bench(model, bench_options);
  if (options.json) {
    print("{}\n", to_json(r).dump(2));
    return 0;
  }
  print("{} {}, batch {}, {} threads: median {:.3f} ms, minimum {:.3f} ms of {} runs; {:.1f} images/s{}\n",
        model->name(), options.mode, r.options.batch, r.options.threads, r.median_ms, r.min_ms, r.runs,
        r.images_per_s, r.precision == "f32" ? "" : ", activations in " + r.precision);
  print("FMA peak {:.1f} GFLOP/s, memory {:.1f} GB/s; limit of direct convolution {:.3f} ms; ratio {:.3f}\n",
        r.fma_peak_gflops, r.memory_gbs, r.limit_ms, r.ratio);
  print("peak resident memory {}\n", bytes_text(r.peak_rss_bytes));
  print_kernels(r, options.top);
  return 0;
}

}  // namespace

Command add_bench(CLI::App& app) {
  auto options = std::make_shared<BenchCommand>();
  options->bench.threads = default_threads();
  CLI::App* command = app.add_subcommand("bench", "Measure speed against the machine's limit");
  add_model_options(*command, options->model);
  command->add_option("--mode", options->mode, "train or infer")
      ->check(CLI::IsMember({"train", "infer"}))
      ->capture_default_str();
  add_batch_option(*command, options->bench.batch, "images per run")->capture_default_str();
  add_threads_option(*command, options->bench.threads);
  add_input_option(*command, options->bench.inputs);
  command
      ->add_option("--repeats", options->bench.repeats, "timed runs; by default about three seconds' worth")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}));
  command->add_option("--top", options->top, "kernel calls in the table")->capture_default_str();
  command->add_option("--trace", options->bench.trace, "write one run as a Chrome trace, a row per thread");
  command->add_flag("--json", options->json, "print JSON, with all kernel calls");
  return {command, [options] { return run(*options); }};
}

}  // namespace rnrun
