// From a model's text to what is asked for: the compiler as a function. rnc's command line is one way to make a
// request.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/frames.h"
#include "compiler/target.h"
#include "ir/graph/diagnostics.h"
#include "ir/onnx/export/export.h"
#include "passes/pipeline.h"

namespace rnc {

// What to make. In the order of the stages of compilation.
enum class Emit {
  graph,
  weights,
  onnx,
  header,
  dot,
  summary,
  loops,
  memory,
  llvm,
  assembly,
  static_header,
  static_object,
  object,
  shared,
  trainer
};

// Of a model without a host: static_header.h.
constexpr bool is_static(Emit emit) { return emit == Emit::static_header || emit == Emit::static_object; }

struct Request {
  std::shared_ptr<const SourceFile> source;  // a spec, a dump or loop IR; null for a model in ONNX's format,
  std::string onnx = {};                     // which is this file,
  // or these bytes, of that name; external data are not looked for
  std::shared_ptr<const std::string> onnx_bytes = {};
  // What such a model does not say, as ir/onnx/onnx.h has it.
  std::string loss = {}, image = {}, classes = {};
  std::vector<std::string> heads = {};
  Emit emit = Emit::shared;
  std::map<std::string, std::string> set;  // constants of the spec, by name
  std::string optimizer;                   // as the spec writes it; empty: the spec's
  std::vector<std::string> freeze;
  std::vector<std::string> explain;        // layers: see passes/graph/explain.h
  std::vector<std::string> include_paths;  // for includes of the source
  std::string weights;        // a safetensors file whose tensors become part of the code; empty: none
  int64_t memory_budget = 0;  // bytes of a training step; 0: none
  TargetRequest target;
  std::string conv = "auto";      // see passes/graph/conv_rules.h
  std::string precision = "f32";  // see passes/graph/precision_rules.h
  bool debug = false;             // line tables
  std::string link_name;          // of an object file and its header, where the program has several models
  onnx::ExportOptions to_onnx;    // of a file in ONNX's format,
  bool keep_batch_norm = false;   // in which batch norm may stay as it is
  std::optional<std::string> passes;  // by comma, instead of the default pipeline
  PipelineOptions dumps;
  // What the user should know before, or without, a result: "warning", "ck.safetensors is ...".
  std::function<void(std::string_view kind, const std::string& text)> tell = [](auto, const auto&) {};
};

struct Artifact {
  std::string bytes;
  std::string data;                 // of a file beside it, to_onnx.data_file; empty: there is none
  std::vector<PassReport> passes;   // that ran, and the generation of code
  std::vector<KernelFrame> frames;  // of the kernels, where code was made
  Remarks remarks;                  // of the passes
};

// A request that makes no sense: exit status 2.
struct UsageError {
  std::string message;
};

// Runs `f`, in which a UserError means that the request makes no sense.
template <class F>
auto checking_request(const F& f) {
  try {
    return f();
  } catch (const UserError& error) {
    throw UsageError{error.what()};
  }
}

// Throws UsageError where what is asked for makes no sense, UserError where the model or a file is at fault.
Artifact compile(const Request& request);

}  // namespace rnc
