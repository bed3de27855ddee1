#include "runtime/task/pairing.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>

namespace rnrun {

namespace {

using Layers = std::span<const rn_layer>;

std::span<const int32_t> operands(const rn_layer& layer) {
  return {layer.inputs, static_cast<size_t>(layer.input_count)};
}

// The predictions that each layer is computed from; of a prediction itself.
std::vector<std::set<size_t>> sources(const Layers& layers, const std::vector<const rn_value*>& predictions) {
  std::vector<std::set<size_t>> all(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto is_layer = [&](const rn_value* p) { return std::string_view(p->name) == layers[i].name; };
    const auto own = std::ranges::find_if(predictions, is_layer);
    if (own != predictions.end())
      all[i] = {static_cast<size_t>(own - predictions.begin())};
    else
      for (const int32_t k : operands(layers[i])) all[i].merge(std::set(all[static_cast<size_t>(k)]));
  }
  return all;
}

}  // namespace

std::map<std::string, std::string> loss_partners(const Model& model,
                                                 const std::vector<const rn_value*>& predictions,
                                                 const std::vector<const rn_value*>& targets) {
  const Layers layers{model.descriptor().layers, static_cast<size_t>(model.descriptor().layer_count)};
  const std::vector<std::set<size_t>> from = sources(layers, predictions);
  std::map<std::string, std::string> partners;
  for (const rn_value* target : targets) {
    std::vector<bool> depends(layers.size());
    for (size_t i = 0; i < layers.size(); ++i) {
      const auto is_so = [&](int32_t k) { return depends[static_cast<size_t>(k)]; };
      depends[i] =
          std::string_view(layers[i].name) == target->name || std::ranges::any_of(operands(layers[i]), is_so);
      if (!depends[i] || from[i].empty()) continue;
      if (from[i].size() == 1) partners[target->name] = predictions[*from[i].begin()]->name;
      break;
    }
  }
  return partners;
}

}  // namespace rnrun
