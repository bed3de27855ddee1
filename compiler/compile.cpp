#include "compiler/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "compiler/code.h"
#include "compiler/layer_kernels.h"
#include "compiler/loop_file.h"
#include "compiler/output.h"
#include "compiler/trainer.h"
#include "compiler/weights.h"
#include "ir/loops/text/text.h"
#include "ir/onnx/onnx.h"
#include "ir/text/text.h"
#include "passes/graph/explain.h"
#include "passes/report/dot.h"
#include "passes/report/summary.h"
#include "passes/schedule/memory_budget.h"
#include "passes/schedule/plan_memory.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

bool needs_program(Emit emit) { return emit > Emit::summary; }

// Runs `f`, in which a UserError means that the request makes no sense.
template <class F>
auto checking_request(const F& f) {
  try {
    return f();
  } catch (const UserError& error) {
    throw UsageError{error.what()};
  }
}

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
  if (request.emit != Emit::graph) return {};
  return {all.begin(), std::ranges::find(all, Stage::program, &Pass::stage)};
}

// A model on its way, with what of it is known before the passes.
struct Job {
  Compilation compilation;
  uint64_t hash = 0;
  std::vector<Layer> layers;
  Tensors weights;      // that become part of the code
  TensorValues values;  // that came with the model
};

void take_weights(const Request& request, Job& job) {
  Module& module = job.compilation.module;
  const Weights file = read_weights(request.weights);
  FittingWeights fitting = fitting_weights(module, file);
  const std::string other = contract::other_model(file.file.metadata, module.name, module.hash);
  if (!other.empty())
    request.tell("warning", fmt::format("{} is {}; its tensors fit, and are taken", file.path, other));
  job.weights = std::move(fitting.tensors);
  if (!fitting.converted.empty())
    request.tell("note",
                 fmt::format("{}: {}", request.weights, contract::conversions_text(fitting.converted)));
  if (!fitting.classes.empty()) module.classes = std::move(fitting.classes);
  reduce_to_inference(module);
}

void check_is_for_onnx(std::string_view flag, bool is_absent) {
  if (!is_absent)
    throw UsageError{fmt::format("{} is for models in ONNX's format; a spec says its own", flag)};
}

// Of a file in ONNX's format or of a text.
onnx::Import read_module(const Request& request) {
  if (!request.onnx.empty()) {
    if (request.emit == Emit::graph || request.emit == Emit::loops)
      request.tell("note", fmt::format("the text has no weights; rnc {} -o NAME.safetensors writes them",
                                       request.onnx));
    return onnx::import_file(request.onnx, {request.set, request.optimizer, request.loss, request.freeze,
                                            request.heads, request.image, request.classes, request.tell});
  }
  check_is_for_onnx("--loss", request.loss.empty());
  check_is_for_onnx("--head", request.heads.empty());
  check_is_for_onnx("--image", request.image.empty());
  check_is_for_onnx("--classes", request.classes.empty());
  return {parse(request.source,
                ElaborateOptions{request.set, request.optimizer, request.freeze, request.include_paths}),
          {}};
}

Job read_graph(const Request& request, const Target& target) {
  Job job;
  Compilation& c = job.compilation;
  c.target = target.info;
  c.target.conv = checking_request([&] { return parse_conv_rules(request.conv); });
  onnx::Import read = read_module(request);
  c.module = std::move(read.module);
  job.values = std::move(read.values);
  check_conv_rules(c.target.conv, c.module);
  job.hash = graph_hash(c.module);
  job.layers = layers_of(c.module);
  c.module.hash = fmt::format("{:016x}", job.hash);
  if (!request.explain.empty()) explain_layers(c.module, request.explain);
  if (!request.weights.empty()) take_weights(request, job);
  if (request.emit == Emit::onnx) reduce_to_inference(c.module);
  return job;
}

Job read_loops(const Request& request, const Target& target) {
  Job job;
  job.compilation = read_loop_file(request, job.layers);
  job.compilation.target = target.info;
  job.hash = graph_hash(job.compilation.module);
  return job;
}

// Throws UserError where the code asked for needs more than there is: planned memory, the model, entries.
void check_complete(const Request& request, const Compilation& compilation) {
  if (request.emit < Emit::llvm) return;
  const loops::Program& program = *compilation.program;
  for (const loops::EntryProgram& entry : program.entries) {
    const auto lies_in = [&](loops::Region region) {
      return std::ranges::any_of(entry.buffers, [&](const auto& buffer) { return buffer.region == region; });
    };
    if (lies_in(loops::Region::arena) && entry.arena[0] == loops::Extent{})
      throw UserError(
          {}, fmt::format("entry {}: its memory is not planned; --passes=plan_memory does that", entry.name));
    if (lies_in(loops::Region::tensor) && compilation.module.tensors.empty())
      throw UserError({}, fmt::format("entry {} uses tensors, and there is no model with these", entry.name));
  }
  for (const loops::Kernel& kernel : program.kernels) {
    if (kernel.name == RN_MODEL_SYMBOL)
      throw UserError({},
                      fmt::format("no kernel can be called {}: the library's descriptor is", kernel.name));
  }
  if (request.emit != Emit::shared && request.emit != Emit::trainer) return;
  if (compilation.module.name.empty() || program.entries.empty())
    throw UserError({},
                    "a library needs the model and its entries, and there are none; --emit=asm, obj and llvm "
                    "do without");
}

// The values that came with the model.
Tensors own_weights(const Job& job) {
  const Module& module = job.compilation.module;
  Tensors weights;
  for (const Tensor& tensor : module.tensors) {
    const auto value = job.values.find(tensor.name);
    if (value != job.values.end())
      weights[tensor.name] = {tensor.type.shape, {value->second->begin(), value->second->end()}};
    else if (tensor.kind == TensorKind::parameter || tensor.kind == TensorKind::buffer)
      throw UserError({}, fmt::format("the model {} comes without values of its weights; --weights FILE "
                                      "gives them, a checkpoint or state_dict "
                                      "as safetensors",
                                      module.name));
  }
  return weights;
}

std::string exported(const Request& request, const Job& job, Artifact& artifact) {
  const bool given = !request.weights.empty();
  const Tensors own = given ? Tensors() : own_weights(job);
  onnx::ExportedFiles files =
      onnx::export_model(job.compilation.module, given ? job.weights : own, request.to_onnx);
  artifact.data = std::move(files.data);
  return std::move(files.model);
}

std::string memory_reports(const loops::Program& program) {
  std::string text;
  for (const loops::EntryProgram& entry : program.entries) text += memory_report(entry) + "\n";
  return text;
}

std::string code(Emit emit, const LoweredModel& model, std::vector<KernelFrame>& frames) {
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

// What is asked for, as bytes. The artifact takes the kernels' stack frames where that is code, the remarks of passes
// that a summary is made by, and a model's data that go into another file.
std::string emitted(const Request& request, const Job& job, const Target& target, Artifact& artifact) {
  const Compilation& c = job.compilation;
  if (request.emit == Emit::graph) return print(c.module);
  if (request.emit == Emit::weights) return weights_file(c.module, job.values);
  if (request.emit == Emit::onnx) return exported(request, job, artifact);
  if (request.emit == Emit::dot) return dot(c.module);
  if (request.emit == Emit::summary) {
    const Compilation lowered = fully_lowered(c);
    artifact.remarks = lowered.remarks;
    return summary(c.module) + memory_summary(c.module, *lowered.program) + conv_summary(*lowered.program) +
           thread_summary(c.module, *lowered.program);
  }
  if (!c.program)
    throw UserError(SourceLocation{}, "the passes given with --passes do not end in a lowered program");
  if (request.emit == Emit::loops) return loops::print(c.module, job.layers, *c.program);
  if (request.emit == Emit::memory) return memory_reports(*c.program);
  if (!request.debug)
    return code(request.emit,
                LoweredModel{c.module, *c.program, target, job.hash, false, job.layers, &job.values},
                artifact.frames);
  const loops::Program by_layer = kernels_by_layer(*c.program);
  return code(request.emit, LoweredModel{c.module, by_layer, target, job.hash, true, job.layers, &job.values},
              artifact.frames);
}

}  // namespace

Artifact compile(const Request& request) {
  const Target target = checking_request([&] { return resolve_target(request.target); });
  const bool from_loops = request.source != nullptr && is_loop_file(*request.source);
  const std::vector<Pass> passes =
      checking_request([&] { return from_loops ? loop_passes(request) : chosen_passes(request); });
  Job job = from_loops ? read_loops(request, target) : read_graph(request, target);
  if (request.memory_budget > 0)
    job.compilation.recompute =
        fit_budget(job.compilation, request.passes ? passes : std::span(pipeline()), request.memory_budget);

  Artifact artifact;
  artifact.passes = run_passes(job.compilation, passes, request.dumps);
  artifact.remarks = job.compilation.remarks;
  if (job.compilation.program) check_complete(request, job.compilation);
  if (!request.weights.empty() && job.compilation.program) embed_weights(job.compilation, job.weights);
  const auto start = std::chrono::steady_clock::now();
  artifact.bytes = emitted(request, job, target, artifact);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  artifact.passes.push_back({"(code generation)", true, time.count(), ""});
  return artifact;
}

}  // namespace rnc
