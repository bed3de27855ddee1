#include "runtime/train/weights/weights.h"

#include <fmt/format.h>

#include <charconv>

#include "runtime/contract/safetensors.h"
#include "runtime/support/error.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/weights/weights_compare.h"
#include "runtime/train/weights/weights_file.h"

namespace rnrun {

namespace {

// A tensor's value as the model has it, in f32.
Array converted(const StoredTensor& value, const std::string& name, const std::string& path) {
  const Array array = value.array();
  try {
    const std::vector<float> values = contract::to_f32({array.dtype, array.shape, array.data}, name);
    return Array::of<float>(DType::f32, array.shape, values);
  } catch (const contract::FormatError& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

void set_inputs(const WeightsFile& file, const std::string& path, Session& session) {
  constexpr std::string_view kPrefix = "hyper.";
  for (const auto& [key, text] : file.metadata) {
    if (!key.starts_with(kPrefix)) continue;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      throw Error(fmt::format("{}: damaged checkpoint: {} = '{}'", path, key, text));
    session.set_scalar(key.substr(kPrefix.size()), value);
  }
  for (auto& [name, values] : checkpoint_inputs(file.metadata, path))
    session.set_shared_input(name, std::move(values));
}

TrainSettings settings_in(const WeightsFile& file, const std::string& path) {
  TrainSettings settings;
  for (const Setting& setting : train_settings()) {
    const auto found = file.metadata.find(std::string(setting.name));
    if (found != file.metadata.end() && !set(settings, setting, found->second))
      throw Error(fmt::format("{}: damaged checkpoint: {} = '{}'", path, setting.name, found->second));
  }
  if (const auto of = file.metadata.find(std::string(kValSplitOf)); of != file.metadata.end())
    std::from_chars(of->second.data(), of->second.data() + of->second.size(), settings.val_split_of);
  return settings;
}

}  // namespace

WeightsMatch load_weights(const std::string& path, Session& session, const WeightsOptions& options) {
  const Model& model = session.model();
  const WeightsFile file = read_weights(path, model);
  WeightsMatch match = compare(file, model, options);
  const std::string differing = differences(match);
  if (!options.partial && !differing.empty())
    throw Error(fmt::format("{} does not fit the model {} (--partial loads the {} tensors that do):{}{}",
                            path, model.name(), match.loaded, other_classes(file, model), differing));
  if (match.loaded == 0)
    throw Error(fmt::format("no tensor of {} fits the model {}:{}", path, model.name(), differing));
  const std::string other = contract::other_model(file.metadata, model.name(), model.graph_hash());
  if (!options.partial && !other.empty())
    throw Error(fmt::format("{} is {}; --partial takes its weights all the same", path, other));
  match.notes = file.notes;
  match.classes = checkpoint_classes(file.metadata, path);
  if (contract::is_checkpoint(file.metadata)) match.settings = settings_in(file, path);
  Arrays others;  // what is not f32 in the file, before anything is set
  for (const rn_tensor& t : model.tensors()) {
    const StoredTensor* value = value_of(file, t.name);
    if (value == nullptr || !may_be_set(t, options) || !fits(*value, t) || value->dtype == DType::f32)
      continue;
    others[t.name] = converted(*value, t.name, path);
    ++match.converted[value->dtype];
  }
  for (const rn_tensor& t : model.tensors()) {
    const StoredTensor* value = value_of(file, t.name);
    if (value == nullptr || !may_be_set(t, options) || !fits(*value, t)) continue;
    const auto other = others.find(t.name);
    if (t.kind == RN_PARAMETER) match.parameters.emplace_back(t.name);
    session.set_tensor(t, other == others.end() ? value->array() : other->second, path);
  }
  if (options.inputs && contract::is_checkpoint(file.metadata)) set_inputs(file, path, session);
  return match;
}

std::string weights_text(const std::string& path, const WeightsMatch& match) {
  const size_t all = static_cast<size_t>(match.loaded) + match.missing.size() + match.misshapen.size();
  return fmt::format("{}: {} of {} tensors loaded{}", path, match.loaded, all, differences(match));
}

}  // namespace rnrun
