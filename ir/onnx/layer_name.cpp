// What a layer is called. torch.onnx names nodes by the modules they are in, "/layer1/layer1.0/conv1/Conv", and
// parameters as state_dict does, "layer1.0.conv1.weight".
#include <string>

#include "ir/onnx/call.h"

namespace rnc::onnx {
namespace {

// "/layer1/layer1.0/conv1/Conv" as "layer1.0.conv1", but for what is no module: the operator's name at the end.
std::string scopes(std::string_view name) {
  std::string path;
  name.remove_prefix(1);
  for (size_t slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/')) {
    const std::string_view part = name.substr(0, slash);
    const bool continues = part.starts_with(path + ".");
    path = continues || path.empty() ? std::string(part) : path + "." + std::string(part);
    name.remove_prefix(slash + 1);
  }
  return path.empty() ? std::string(name) : path;
}

}  // namespace

std::string layer_name(const proto::NodeProto& node, std::string_view weight) {
  constexpr std::string_view kWeight = ".weight";
  if (weight.ends_with(kWeight) && weight.size() > kWeight.size())
    return plain_name(weight.substr(0, weight.size() - kWeight.size()));
  if (node.name().size() > 1 && node.name()[0] == '/') return plain_name(scopes(node.name()));
  if (!node.name().empty()) return plain_name(node.name());
  return plain_name(node.output_size() > 0 ? node.output(0) : node.op_type());
}

}  // namespace rnc::onnx
