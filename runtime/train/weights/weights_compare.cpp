#include "runtime/train/weights/weights_compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <span>

#include "runtime/model/layout.h"

namespace rnrun {

namespace {

bool is_checkpoint(const WeightsFile& file) { return contract::is_checkpoint(file.metadata); }

// What a checkpoint of rnrun keeps of a parameter besides its value: "momentum.fc.weight" of "fc.weight".
bool is_training_state(const WeightsFile& file, std::string_view name) {
  if (!is_checkpoint(file)) return false;
  const size_t dot = name.find('.');
  return dot != std::string_view::npos && file.tensors.contains(name.substr(dot + 1));
}

// The first dimension of all tensors that are misshapen and differ in no other, in the file and in the model; none
// if it is not the same for all of them. `shapes`: of each in the file and in the model.
using Shapes = std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>>;
std::optional<std::pair<int64_t, int64_t>> first_dimensions(const Shapes& shapes) {
  const auto rest = [](const std::vector<int64_t>& shape) { return std::span(shape).subspan(1); };
  for (const auto& [here, wanted] : shapes) {
    if (here.empty() || wanted.empty() || !std::ranges::equal(rest(here), rest(wanted))) return std::nullopt;
    if (here[0] != shapes[0].first[0] || wanted[0] != shapes[0].second[0]) return std::nullopt;
  }
  if (shapes.empty()) return std::nullopt;
  return std::pair(shapes[0].first[0], shapes[0].second[0]);
}

// What a prediction of the model has for each sample: f32[N, classes]; 0 if it is something else.
int64_t class_count(const Model& model) {
  const rn_entry* entry = model.find_entry(RN_INFER);
  const rn_value* prediction = entry == nullptr ? nullptr : find(outputs(*entry), RN_PREDICTION);
  return prediction != nullptr && prediction->type.rank == 2 ? prediction->type.dims[1] : 0;
}

}  // namespace

bool is_weight(const rn_tensor& t) { return t.kind == RN_PARAMETER || t.kind == RN_BUFFER; }

bool fits(const StoredTensor& value, const rn_tensor& t) {
  return contract::converts_to_f32(value.dtype) && value.shape == shape_of(t.type);
}

const StoredTensor* value_of(const WeightsFile& file, const std::string& name) {
  auto found = file.tensors.end();
  if (is_checkpoint(file)) found = file.tensors.find("ema." + name);
  if (found == file.tensors.end()) found = file.tensors.find(name);
  return found == file.tensors.end() ? nullptr : &found->second;
}

bool may_be_set(const rn_tensor& t, const WeightsOptions& options) {
  return is_weight(t) || (options.slots && t.kind == RN_SLOT);
}

WeightsMatch compare(const WeightsFile& file, const Model& model, const WeightsOptions& options) {
  const bool slots = options.slots && std::ranges::any_of(model.tensors(), [&](const rn_tensor& t) {
                       return t.kind == RN_SLOT && file.tensors.contains(t.name);
                     });
  const auto wanted = [&](const rn_tensor& t) { return is_weight(t) || (slots && t.kind == RN_SLOT); };
  WeightsMatch match;
  for (const rn_tensor& t : model.tensors()) {
    if (!wanted(t)) continue;
    const StoredTensor* value = value_of(file, t.name);
    if (value == nullptr)
      match.missing.emplace_back(t.name);
    else if (!fits(*value, t))
      match.misshapen.push_back(
          fmt::format("{}: {}, the model has {}", t.name, type_text(*value), type_text(t.type)));
    else
      ++match.loaded;
  }
  for (const auto& [name, value] : file.tensors) {
    const rn_tensor* t = model.find_tensor(name);
    if ((t == nullptr || !wanted(*t)) && !name.ends_with(".num_batches_tracked") &&
        !is_training_state(file, name))
      match.extra.push_back(name);
  }
  return match;
}

std::string differences(const WeightsMatch& match) {
  std::string text;
  const auto add = [&](std::string_view what, const std::vector<std::string>& names,
                       std::string_view separator) {
    if (!names.empty()) text += fmt::format("\n  {}: {}", what, fmt::join(names, separator));
  };
  add("missing", match.missing, ", ");
  add("extra", match.extra, ", ");
  add("misshapen", match.misshapen, "\n             ");
  return text;
}

std::string other_classes(const WeightsFile& file, const Model& model) {
  Shapes shapes;
  for (const rn_tensor& t : model.tensors()) {
    const StoredTensor* value = is_weight(t) ? value_of(file, t.name) : nullptr;
    if (value != nullptr && !fits(*value, t)) shapes.emplace_back(value->shape, shape_of(t.type));
  }
  const auto counts = first_dimensions(shapes);
  if (!counts || counts->first == counts->second || counts->second != class_count(model)) return {};
  return fmt::format(" it has weights for {} classes, the model has {}", counts->first, counts->second);
}

}  // namespace rnrun
