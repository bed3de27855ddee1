// The layers of a spec: operations that bring their own parameters, named and initialised as PyTorch's.
#include <fmt/format.h>

#include "ir/text/elaborator.h"
#include "ir/text/metadata.h"

namespace rnc::text {
namespace {

// Moves what `specs` name out of `attributes`, and completes it.
Attributes take_settings(Attributes& attributes, std::span<const AttributeSpec> specs, const Expr& call) {
  Attributes settings;
  for (const AttributeSpec& spec : specs) {
    const std::string name(spec.name);
    if (!attributes.has(name)) continue;
    settings.set(name, attributes.all().at(name));
    attributes.erase(name);
  }
  return complete_attributes(call.text, specs, std::move(settings), call.location);
}

}  // namespace

void Elaborator::add_layer_tensors(const LayerInfo& layer, const Expr& call, int64_t outputs,
                                   const std::string& name, Attributes& attributes,
                                   std::vector<ValueId>& inputs) {
  Attributes all = take_settings(attributes, layer.settings, call);
  const auto& [setting, attribute] = layer.excludes;
  if (!setting.empty() && all.get<bool>(std::string(setting)) && attributes.has(std::string(attribute)))
    throw UserError(call.location,
                    fmt::format("{}: {} has no meaning with {} = true", call.text, attribute, setting));
  for (const auto& [key, value] : attributes.all()) all.set(key, value);
  for (LayerTensor& tensor : layer.tensors(graph_[inputs[0]].type, outputs, all))
    inputs.push_back(tensor.is_fixed ? fixed_tensor(call, name, tensor)
                                     : layer_tensor(layer.op, call, name, std::move(tensor)));
}

ValueId Elaborator::fixed_tensor(const Expr& call, const std::string& layer, const LayerTensor& tensor) {
  Attributes attributes;
  attributes.set("values", std::vector{tensor.initializer.attributes.get<double>("value")});
  attributes.set("shape", tensor.shape);
  const std::string name = fmt::format("%{}.{}", layer, tensor.part);
  return emit(Op::constants, {}, std::move(attributes), name, call.location);
}

// The initialiser is the one chosen by `init conv2d.weight = ...`, else the given one.
ValueId Elaborator::layer_tensor(Op op, const Expr& call, const std::string& layer, LayerTensor tensor) {
  const auto chosen = initializers_.find(fmt::format("{}.{}", rnc::name(op), tensor.part));
  if (chosen != initializers_.end()) tensor.initializer = chosen->second;
  return state({.name = fmt::format("{}.{}", layer, tensor.part),
                .kind = tensor.kind,
                .type = {.shape = std::move(tensor.shape)},
                .initializer = std::move(tensor.initializer),
                .location = call.location});
}

ValueId Elaborator::state(Tensor tensor) {
  const std::string name = tensor.name;
  if (const Tensor* shared = sharing_ ? module_.find_tensor(name) : nullptr) {
    if (shared->type != tensor.type || shared->kind != tensor.kind)
      throw UserError(Diagnostic{tensor.location,
                                 fmt::format("{} is shared, and is {} here, but {} where it was called first",
                                             name, str(tensor.type), str(shared->type)),
                                 {{shared->location, "first called so here", {}}}});
    return builder_.state(name);
  }
  claim(name, tensor.location);
  add_tensor(module_, std::move(tensor));
  return builder_.state(name);
}

}  // namespace rnc::text
