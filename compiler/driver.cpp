#include "compiler/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <new>

#include "compiler/compile.h"
#include "compiler/layer_kernels.h"
#include "compiler/loop_file.h"
#include "compiler/options.h"
#include "compiler/output.h"
#include "compiler/trainer.h"
#include "compiler/weights.h"
#include "ir/loops/text/text.h"
#include "ir/text/text.h"
#include "passes/pipeline.h"
#include "passes/report/dot.h"
#include "passes/report/op_page.h"
#include "passes/report/summary.h"
#include "passes/schedule/plan_memory.h"

namespace rnc {
namespace {

bool needs_program(Emit emit) { return emit != Emit::graph && emit != Emit::dot && emit != Emit::summary; }

// Runs `f`, in which a UserError means that an option's value makes no sense.
template <class F>
auto checking_options(const F& f) {
  try {
    return f();
  } catch (const UserError& error) {
    throw UsageError{error.what()};
  }
}

// The passes on the way to what is to be written: all for loops and code, those on the graph for the graph;
// a drawing and a summary show the model as its author knows it.
std::vector<Pass> chosen_passes(const Options& options) {
  if (options.passes) return passes_by_name(*options.passes);
  const auto all = pipeline();
  if (needs_program(options.emit)) return {all.begin(), all.end()};
  if (options.emit != Emit::graph) return {};
  return {all.begin(), std::ranges::find(all, Stage::program, &Pass::stage)};
}

PipelineOptions pipeline_options(const Options& options) {
  PipelineOptions result;
  result.print_after = options.print_after;
  result.dump_dir = options.dump_dir;
  if (options.output == "-") result.output = stderr;
  return result;
}

std::string memory_reports(const loops::Program& program) {
  std::string text;
  for (const loops::EntryProgram& entry : program.entries) text += memory_report(entry) + "\n";
  return text;
}

std::string compile(Emit emit, const Model& model, std::vector<KernelFrame>& frames) {
  switch (emit) {
    case Emit::llvm:
      return compile_to_llvm(model);
    case Emit::assembly:
      return compile_to_assembly(model, &frames);
    case Emit::object:
      return compile_to_object(model, &frames);
    case Emit::shared:
      return compile_to_shared_library(model, &frames);
    case Emit::trainer:
      return make_trainer(read_file(find_rnrun()), compile_to_shared_library(model, &frames));
    default:
      unreachable("not a kind of code");
  }
}

// What comes of the model in the end, whatever passes it has been through.
Compilation fully_lowered(Compilation compilation) {
  if (!compilation.program) run_passes(compilation, pipeline());
  return compilation;
}

// What --emit asks for, as bytes. `frames` takes the kernels' stack frames where that is code.
std::string emitted(const Options& options, const Compilation& compilation, const Target& target,
                    uint64_t hash, std::vector<Layer> layers, std::vector<KernelFrame>& frames) {
  switch (options.emit) {
    case Emit::graph:
      return print(compilation.module);
    case Emit::dot:
      return dot(compilation.module);
    case Emit::summary: {
      const Compilation lowered = fully_lowered(compilation);
      return summary(compilation.module) + memory_summary(compilation.module, *lowered.program) +
             conv_summary(*lowered.program) + thread_summary(compilation.module, *lowered.program);
    }
    default:
      break;
  }
  if (!compilation.program) {
    throw UserError(SourceLocation{}, "the passes given with --passes do not end in a lowered program");
  }
  if (options.emit == Emit::loops) return loops::print(compilation.module, layers, *compilation.program);
  if (options.emit == Emit::memory) return memory_reports(*compilation.program);
  if (!options.debug) {
    return compile(options.emit,
                   Model{compilation.module, *compilation.program, target, hash, false, std::move(layers)},
                   frames);
  }
  const loops::Program by_layer = kernels_by_layer(*compilation.program);
  return compile(options.emit, Model{compilation.module, by_layer, target, hash, true, std::move(layers)},
                 frames);
}

// The call of an entry at which most bytes are live, by its layer.
std::string layer_at_peak(const loops::EntryProgram& entry, int64_t batch) {
  const std::vector<Life> life = lives(entry);
  int64_t most = -1;
  std::string layer;
  for (int c = 0; c < static_cast<int>(entry.calls.size()); ++c) {
    int64_t live = 0;
    for (size_t b = 0; b < entry.buffers.size(); ++b) {
      const bool planned = entry.buffers[b].region == loops::Region::arena;
      if (planned && life[b].first <= c && c <= life[b].last) live += entry.buffers[b].size.at(batch);
    }
    if (live <= most) continue;
    most = live;
    layer = entry.calls[static_cast<size_t>(c)].label;
  }
  return layer;
}

// From what costs least time to what costs most.
std::vector<RecomputeLimits> recompute_attempts() {
  std::vector<RecomputeLimits> attempts = {RecomputeLimits{}};
  for (const int64_t cost : {100, 200, 300, 640, 1280, 5120}) {
    for (const int kernels : {2, 3, 4, 6}) attempts.push_back({kernels, cost, 0});
  }
  return attempts;
}

// As little to compute again as lets the training step fit the budget.
RecomputeLimits fit_budget(const Compilation& compilation, std::span<const Pass> passes, int64_t budget) {
  const int64_t batch = recipe_batch(compilation.module);
  int64_t least = INT64_MAX;
  std::string layer;
  for (const RecomputeLimits& limits : recompute_attempts()) {
    Compilation attempt = compilation;
    attempt.recompute = limits;
    run_passes(attempt, passes);
    const auto is_step = [](const loops::EntryProgram& entry) { return entry.role == EntryRole::train_step; };
    if (!attempt.program || std::ranges::none_of(attempt.program->entries, is_step))
      throw UserError({}, "--memory-budget: what is compiled has no training step");
    const loops::EntryProgram& step = *std::ranges::find_if(attempt.program->entries, is_step);
    const int64_t peak = peak_bytes(step, batch);
    if (peak <= budget) return limits;
    if (peak >= least) continue;
    least = peak;
    layer = layer_at_peak(step, batch);
  }
  throw UserError({},
                  fmt::format("--memory-budget: a training step at batch {} takes at least {} bytes, most of "
                              "them at {}; the budget is {}",
                              batch, least, layer, budget));
}

// Writes what --emit asks for, and prints what --stats and --time-passes do. `reports`: of the passes that have run.
void write_result(const Options& options, const Compilation& compilation, const Target& target, uint64_t hash,
                  std::vector<Layer> layers, std::vector<PassReport> reports) {
  if (options.stats) print_message(stats_table(reports));
  const auto start = std::chrono::steady_clock::now();
  std::vector<KernelFrame> frames;
  write_file(options.output, emitted(options, compilation, target, hash, std::move(layers), frames),
             options.emit == Emit::trainer);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  if (options.stats && !frames.empty()) print_message(frame_table(std::move(frames)));
  if (!options.time_passes) return;
  reports.push_back({"(code generation and output)", true, time.count(), ""});
  print_message(time_table(reports));
}

// From loop IR on: as it is, or after those passes on programs that --passes names.
void compile_loop_file(const Options& options, const Target& target,
                       const std::shared_ptr<const SourceFile>& source) {
  std::vector<Layer> layers;
  Compilation compilation = read_loop_file(options, source, layers);
  compilation.target = target.info;
  const std::vector<Pass> passes = checking_options([&] { return loop_passes(options); });
  std::vector<PassReport> reports = run_passes(compilation, passes, pipeline_options(options));
  check_complete(options, compilation);
  write_result(options, compilation, target, graph_hash(compilation.module), std::move(layers),
               std::move(reports));
}

void compile_file(const Options& options) {
  const Target target = checking_options([&] { return resolve_target(options.target); });
  const std::shared_ptr<const SourceFile> source = read_source(options.input);
  if (is_loop_file(*source)) return compile_loop_file(options, target, source);
  const std::vector<Pass> passes = checking_options([&] { return chosen_passes(options); });
  Compilation compilation;
  compilation.target = target.info;
  compilation.target.conv = checking_options([&] { return parse_conv_rules(options.conv); });
  compilation.module = parse(source, ElaborateOptions{options.set, options.optimizer, options.freeze});
  check_conv_rules(compilation.target.conv, compilation.module);
  const uint64_t hash = graph_hash(compilation.module);
  std::vector<Layer> layers = layers_of(compilation.module);
  compilation.module.hash = fmt::format("{:016x}", hash);
  Tensors weights;
  if (!options.weights.empty()) {
    const Weights file = read_weights(options.weights);
    FittingWeights fitting = fitting_weights(compilation.module, file);
    const std::string other =
        contract::other_model(file.file.metadata, compilation.module.name, compilation.module.hash);
    if (!other.empty())
      print_message(
          fmt::format("rnc: warning: {} is {}; its tensors fit, and are taken\n", file.path, other));
    weights = std::move(fitting.tensors);
    if (!fitting.converted.empty())
      print_message(
          fmt::format("rnc: note: {}: {}\n", options.weights, contract::conversions_text(fitting.converted)));
    if (!fitting.classes.empty()) compilation.module.classes = std::move(fitting.classes);
    reduce_to_inference(compilation.module);
  }

  if (options.memory_budget > 0)
    compilation.recompute = fit_budget(compilation, passes, options.memory_budget);
  std::vector<PassReport> reports = run_passes(compilation, passes, pipeline_options(options));
  if (options.remarks) print_message(str(compilation.remarks));
  if (!options.weights.empty() && compilation.program) embed_weights(compilation, weights);
  write_result(options, compilation, target, hash, std::move(layers), std::move(reports));
}

}  // namespace

int run_driver(int argc, const char* const* argv) {
  try {
    const std::optional<Options> options = parse_options(argc, argv);
    if (options && options->list_passes) {
      write_file("-", list_passes());
    } else if (options && options->ops) {
      write_file(
          "-", options->ops->empty() ? list_ops() : checking_options([&] { return op_page(*options->ops); }));
    } else if (options) {
      compile_file(*options);
    }
    finish_output();
    return 0;
  } catch (const UsageError& error) {
    print_message(fmt::format("rnc: error: {}\n", error.message));
    return 2;
  } catch (const UserError& error) {
    print_message(error.render());
    return 1;
  } catch (const std::bad_alloc&) {
    print_message("rnc: error: out of memory\n");
    return 1;
  }
}

}  // namespace rnc
