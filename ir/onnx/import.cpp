#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "ir/onnx/class_names.h"
#include "ir/onnx/classes.h"
#include "ir/onnx/head.h"
#include "ir/onnx/joined.h"
#include "ir/onnx/loss.h"
#include "ir/onnx/onnx.h"
#include "ir/onnx/reading.h"
#include "ir/text/declarations.h"
#include "ir/text/freeze.h"

namespace rnc::onnx {
namespace {

constexpr char kFirstByte = 0x08;  // of the field ir_version, the first there is

// torch.onnx names the weights that it has computed after the node, not as the model does.
bool has_folded_norms(const proto::ModelProto& model) {
  bool has_computed = false;
  for (const proto::NodeProto& node : model.graph().node()) {
    if (node.op_type() == "BatchNormalization") return false;
    has_computed |=
        node.op_type() == "Conv" && node.input_size() > 2 && node.input(1).starts_with("onnx::Conv_");
  }
  return has_computed && model.producer_name() == "pytorch";
}

// With the batch as N, else as the number in the file, where there is one.
Import read_model(const proto::ModelProto& model, const std::string& file, const std::string& directory,
                  const Changes& changes, const ImportOptions& options) {
  std::set<std::string> initializers;
  for (const proto::TensorProto& tensor : model.graph().initializer()) initializers.insert(tensor.name());
  const ModelInputs inputs = read_inputs(model.graph(), initializers, options.set, file);
  const int64_t exported = inputs.exported_batch;
  if (exported == 0) return Reading(model, file, directory, changes).run(inputs.inputs, 0);
  try {
    Import read = Reading(model, file, directory, changes).run(inputs.batched(), exported);
    options.tell("note", fmt::format("{}: the batch, which is {} in the file, may be any", file, exported));
    return read;
  } catch (const UserError& error) {
    Import read = Reading(model, file, directory, changes).run(inputs.inputs, 0);
    options.tell("warning",
                 fmt::format("the batch stays {}, as in the file; with another: {}", exported, error.what()));
    return read;
  }
}

Import import_parsed(proto::ModelProto& model, bool parsed, const std::string& file,
                     const std::string& directory, const ImportOptions& options) {
  if (!parsed || !model.has_graph())
    throw UserError({}, fmt::format("{}: not a model in ONNX's format, or a damaged one", file));
  const auto tell = [&](const std::string& text) { options.tell("note", fmt::format("{}: {}", file, text)); };
  Changes changes;
  changes.new_tensors = replace_heads(*model.mutable_graph(), options.heads, tell);
  join_nodes(*model.mutable_graph(), directory);
  if (!options.image.empty()) changes.image = parse_image(options.image);
  Import read = read_model(model, file, directory, changes, options);
  if (has_folded_norms(model))
    tell(
        "torch.onnx has folded the batch norms into the convolutions, which train without them; exported "
        "with "
        "training=TrainingMode.PRESERVE, the file has them");
  Module& module = read.module;
  if (options.heads.empty()) module.classes = class_names(model, file);  // a new head has other classes
  if (!options.classes.empty()) read_classes(module, options.classes);
  if (!options.loss.empty()) add_loss(module, options.loss);
  if (!options.optimizer.empty()) module.optimizer = text::parse_optimizer(options.optimizer);
  if (!module.optimizer.name.empty() && options.loss.empty())
    throw UserError({}, "--optimizer: a model in ONNX's format has no loss; add --loss cross_entropy");
  std::vector<text::FreezePattern> frozen;
  for (const std::string& pattern : options.freeze) frozen.emplace_back(pattern, SourceLocation{});
  text::freeze_parameters(module, frozen);
  return read;
}

}  // namespace

bool is_model_file(const std::string& path) {
  if (path.ends_with(".onnx")) return true;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  return file.peek() == kFirstByte;
}

Import import_bytes(std::string_view bytes, const std::string& name, const std::string& directory,
                    const ImportOptions& options) {
  proto::ModelProto model;
  const bool parsed = model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return import_parsed(model, parsed, name, directory, options);
}

Import import_file(const std::string& path, const ImportOptions& options) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    throw UserError({}, fmt::format("cannot read '{}': {}", path, error ? error.message() : "it is no file"));
  std::ifstream file(path, std::ios::binary);
  proto::ModelProto model;
  const bool parsed = file && model.ParseFromIstream(&file);
  return import_parsed(model, parsed, path, std::filesystem::path(path).parent_path().string(), options);
}

}  // namespace rnc::onnx
