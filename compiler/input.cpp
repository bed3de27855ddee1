#include "compiler/input.h"

#include <fmt/format.h>

#include "compiler/embed_weights.h"
#include "compiler/loop_file.h"
#include "compiler/model.h"
#include "compiler/weights.h"
#include "ir/onnx/onnx.h"
#include "ir/text/text.h"
#include "passes/graph/explain.h"

namespace rnc {
namespace {

void take_weights(const Request& request, Input& input) {
  Module& module = input.compilation.module;
  const Weights file = read_weights(request.weights);
  FittingWeights fitting = fitting_weights(module, file);
  const std::string other = contract::other_model(file.file.metadata, module.name, module.hash);
  if (!other.empty())
    request.tell("warning", fmt::format("{} is {}; its tensors fit, and are taken", file.path, other));
  input.weights = std::move(fitting.tensors);
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
    const onnx::ImportOptions options{request.set,   request.optimizer, request.loss,    request.freeze,
                                      request.heads, request.image,     request.classes, request.tell};
    return request.onnx_bytes == nullptr ? onnx::import_file(request.onnx, options)
                                         : onnx::import_bytes(*request.onnx_bytes, request.onnx, "", options);
  }
  check_is_for_onnx("--loss", request.loss.empty());
  check_is_for_onnx("--head", request.heads.empty());
  check_is_for_onnx("--image", request.image.empty());
  check_is_for_onnx("--classes", request.classes.empty());
  return {parse(request.source,
                ElaborateOptions{request.set, request.optimizer, request.freeze, request.include_paths}),
          {}};
}

}  // namespace

Input read_graph(const Request& request) {
  Input input;
  Compilation& c = input.compilation;
  c.target.conv = checking_request([&] { return parse_conv_rules(request.conv); });
  c.target.precision = checking_request([&] { return parse_precision_rules(request.precision); });
  onnx::Import read = read_module(request);
  c.module = std::move(read.module);
  input.values = std::move(read.values);
  check_conv_rules(c.target.conv, c.module);
  check_precision_rules(c.target.precision, c.module);
  input.hash = graph_hash(c.module);
  input.layers = layers_of(c.module);
  c.module.hash = fmt::format("{:016x}", input.hash);
  if (!request.explain.empty()) explain_layers(c.module, request.explain);
  if (!request.weights.empty()) take_weights(request, input);
  if (request.emit == Emit::onnx || is_static(request.emit)) reduce_to_inference(c.module);
  return input;
}

Input read_loops(const Request& request) {
  Input input;
  input.compilation = read_loop_file(request, input.layers);
  input.hash = graph_hash(input.compilation.module);
  return input;
}

}  // namespace rnc
