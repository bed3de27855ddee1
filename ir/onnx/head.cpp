#include "ir/onnx/head.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "ir/onnx/call.h"
#include "ir/onnx/weights.h"

namespace rnc::onnx {
namespace {

struct Wanted {
  std::string name;
  int64_t outputs;
};

Wanted parse(const std::string& text) {
  constexpr int64_t kMostOutputs = 1'000'000;
  const size_t equals = text.rfind('=');
  int64_t outputs = 0;
  const char* end = text.data() + text.size();
  const char* number = equals == std::string::npos ? end : text.data() + equals + 1;
  const auto [parsed, error] = std::from_chars(number, end, outputs);
  const bool is_good = error == std::errc() && parsed == end && outputs >= 1 && outputs <= kMostOutputs;
  if (!is_good || equals == 0)
    throw UserError({}, fmt::format("--head {}: must be NAME=OUTPUTS, such as fc=10, with 1 to {} outputs",
                                    text, kMostOutputs));
  return {text.substr(0, equals), outputs};
}

std::string str(const WeightedNode& head) {
  return fmt::format("{} ({} {} to {})", head.name(),
                     head.node->op_type() == "Conv" ? "convolution" : "linear", head.inputs(),
                     head.outputs());
}

const WeightedNode& find(const std::vector<WeightedNode>& heads, const Wanted& wanted) {
  const WeightedNode* found = nullptr;
  std::vector<std::string> known;
  for (const WeightedNode& head : heads) {
    known.push_back(str(head));
    if (head.name() != wanted.name && head.node->name() != wanted.name) continue;
    if (found != nullptr)
      throw UserError({}, fmt::format("--head {}: several last layers are called so", wanted.name));
    found = &head;
  }
  if (found != nullptr) return *found;
  throw UserError({}, fmt::format("--head {}: no last layer is called so; {}", wanted.name,
                                  known.empty() ? "the model has none with a weight of its own"
                                                : fmt::format("there is {}", fmt::join(known, ", "))));
}

// A tensor of this type, with other sizes and no values. The operand that is to have them is its own from now on.
void resize(proto::TensorProto& tensor, int axis, int64_t size) {
  const std::string name = tensor.name();
  std::vector<int64_t> sizes(tensor.dims().begin(), tensor.dims().end());
  sizes.at(static_cast<size_t>(axis)) = size;
  tensor.Clear();
  tensor.set_name(name);
  tensor.set_data_type(proto::TensorProto::FLOAT);
  for (const int64_t dimension : sizes) tensor.add_dims(dimension);
}

}  // namespace

std::map<std::string, Initializer> replace_heads(proto::GraphProto& graph,
                                                 const std::vector<std::string>& heads,
                                                 const std::function<void(const std::string&)>& tell) {
  std::map<std::string, Initializer> made;
  if (heads.empty()) return made;
  const std::vector<WeightedNode> last = last_layers(graph);
  for (const std::string& text : heads) {
    const Wanted wanted = parse(text);
    const WeightedNode& head = find(last, wanted);
    if (head.is_shared)
      throw UserError({}, fmt::format("--head {}: other nodes read its weight or bias, too", wanted.name));
    constexpr int64_t kMost = int64_t{1} << 30;
    if (head.inputs() < 1 || head.inputs() > kMost / wanted.outputs)
      throw UserError({}, fmt::format("--head {}: no weight can have {} x {} elements", text, wanted.outputs,
                                      head.inputs()));
    tell(fmt::format("{} has {} outputs instead, and new initial values", str(head), wanted.outputs));
    const auto fan_in = static_cast<double>(head.inputs());
    resize(*head.weight, head.outputs_axis, wanted.outputs);
    made[head.weight->name()] = {"kaiming_uniform", attributes({{"a", std::sqrt(5.0)}, {"fan_in", fan_in}})};
    if (head.bias == nullptr) continue;
    resize(*head.bias, head.bias->dims_size() - 1, wanted.outputs);
    made[head.bias->name()] = {"uniform", attributes({{"bound", 1 / std::sqrt(fan_in)}})};
  }
  return made;
}

}  // namespace rnc::onnx
