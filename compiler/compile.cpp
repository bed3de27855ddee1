#include "compiler/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "compiler/c_header.h"
#include "compiler/code.h"
#include "compiler/layer_kernels.h"
#include "compiler/loop_file.h"
#include "compiler/output.h"
#include "compiler/static_header.h"
#include "compiler/trainer.h"
#include "compiler/variants.h"
#include "compiler/weights.h"
#include "ir/loops/text/text.h"
#include "ir/text/text.h"
#include "passes/report/dot.h"
#include "passes/report/summary.h"
#include "passes/schedule/plan_memory.h"

namespace rnc {
namespace {

bool needs_program(Emit emit) { return emit > Emit::summary; }

// Those on the way to ONNX, which has its own operators for what later passes take apart.
std::vector<Pass> export_passes(const Request& request) {
  return passes_by_name(request.keep_batch_norm ? "derive_entries,hoist_parameters,dce"
                                                : "derive_entries,fold_batch_norm,hoist_parameters,dce");
}

// The passes on the way to what is to be written: all for loops and code, those on the graph for the graph;
// a drawing and a summary show the model as its author knows it.
std::vector<Pass> chosen_passes(const Request& request) {
  if (request.passes) return passes_by_name(*request.passes);
  const auto all = pipeline();
  if (needs_program(request.emit)) return {all.begin(), all.end()};
  if (request.emit == Emit::onnx) return export_passes(request);
  if (request.emit == Emit::header) return passes_by_name("derive_entries");
  if (request.emit != Emit::graph) return {};
  return {all.begin(), std::ranges::find(all, Stage::program, &Pass::stage)};
}

std::string exported(const Request& request, const Input& input, const Module& module, Artifact& artifact) {
  const bool given = !request.weights.empty();
  const Tensors own = given ? Tensors() : own_weights(module, input.values);
  onnx::ExportedFiles files = onnx::export_model(module, given ? input.weights : own, request.to_onnx);
  artifact.data = std::move(files.data);
  return std::move(files.model);
}

std::string memory_reports(const loops::Program& program) {
  std::string text;
  for (const loops::EntryProgram& entry : program.entries) text += memory_report(entry) + "\n";
  return text;
}

// Code for all variants where the kind of file may hold it, else for the only one.
std::string code(const Request& request, const Input& input, const std::vector<Variant>& variants,
                 std::vector<KernelFrame>& frames) {
  std::vector<loops::Program> by_layer;
  for (const Variant& variant : variants)
    if (request.debug) by_layer.push_back(kernels_by_layer(*variant.compilation.program));
  std::vector<LoweredModel> models;
  const bool standalone = is_static(request.emit);
  for (size_t i = 0; i < variants.size(); ++i) {
    const auto& [target, compilation, values] = variants[i];
    models.push_back({compilation.module, request.debug ? by_layer[i] : *compilation.program, target,
                      input.hash, request.debug, input.layers, &values, variants.size() > 1 ? target.cpu : "",
                      standalone ? static_prefix(compilation.module, request.link_name) : request.link_name,
                      standalone});
  }
  switch (request.emit) {
    case Emit::llvm:
      return compile_to_llvm(models.front());
    case Emit::assembly:
      return compile_to_assembly(models.front(), &frames);
    case Emit::static_object:
    case Emit::object:
      return compile_to_object(models, &frames);
    case Emit::shared:
      return compile_to_shared_library(models, &frames);
    case Emit::trainer:
      return make_trainer(read_file(find_rnrun()), compile_to_shared_library(models, &frames));
    default:
      unreachable("not a kind of code");
  }
}

// What comes of the model in the end, whatever passes it has been through.
Compilation fully_lowered(Compilation compilation) {
  if (!compilation.program) run_passes(compilation, pipeline());
  return compilation;
}

// What is asked for, as bytes. The artifact takes the kernels' stack frames where that is code, the remarks of passes
// that a summary is made by, and a model's data that go into another file.
std::string emitted(const Request& request, const Input& input, const std::vector<Variant>& variants,
                    Artifact& artifact) {
  const Compilation& c = variants.front().compilation;
  if (request.emit == Emit::graph) return print(c.module);
  if (request.emit == Emit::weights) return weights_file(c.module, input.values);
  if (request.emit == Emit::onnx) return exported(request, input, c.module, artifact);
  if (request.emit == Emit::header) return c_header(c.module, request.link_name);
  if (request.emit == Emit::dot) return dot(c.module);
  if (request.emit == Emit::summary) {
    const Compilation lowered = fully_lowered(c);
    artifact.remarks = lowered.remarks;
    return summary(c.module) + memory_summary(c.module, *lowered.program) + conv_summary(*lowered.program) +
           thread_summary(c.module, *lowered.program);
  }
  if (!c.program)
    throw UserError(SourceLocation{}, "the passes given with --passes do not end in a lowered program");
  if (request.emit == Emit::loops) return loops::print(c.module, input.layers, *c.program);
  if (request.emit == Emit::memory) return memory_reports(*c.program);
  const std::string prefix = static_prefix(c.module, request.link_name);
  if (request.emit == Emit::static_header) return static_header(c.module, *c.program, prefix);
  std::string bytes = code(request, input, variants, artifact.frames);
  if (request.emit == Emit::static_object)
    request.tell("note", static_note(*c.program, prefix, largest_frame(artifact.frames)));
  return bytes;
}

}  // namespace

Artifact compile(const Request& request) {
  const bool from_loops = request.source != nullptr && is_loop_file(*request.source);
  const std::vector<Pass> passes =
      checking_request([&] { return from_loops ? loop_passes(request) : chosen_passes(request); });
  const std::vector<Target> targets = targets_of(request, passes);
  const Input input = from_loops ? read_loops(request) : read_graph(request);
  Artifact artifact;
  const std::vector<Variant> variants = lower_variants(request, input, passes, targets, artifact);
  const auto start = std::chrono::steady_clock::now();
  artifact.bytes = emitted(request, input, variants, artifact);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  artifact.passes.push_back({"(code generation)", true, time.count(), ""});
  return artifact;
}

}  // namespace rnc
