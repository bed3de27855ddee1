#include "runtime/task/task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "runtime/support/error.h"
#include "runtime/task/classification/classification.h"
#include "runtime/task/signature.h"

namespace rnrun {

namespace {

struct Kind {
  // What an entry must take and return, for training and for inference.
  std::string_view trained;
  std::string_view inferred;
  // Null when the entry is not of this kind.
  std::unique_ptr<const Task> (*make)(const Signature& signature);
};

constexpr std::array<Kind, 1> kKinds = {{
    {"classification takes u8[N, C, H, W] and i32[N], and returns f32[N, classes] and loss",
     "classification takes u8[N, C, H, W], and returns f32[N, classes]", make_classification},
}};

}  // namespace

std::vector<Field> Task::fields() const {
  std::vector<Field> fields;
  for (const Input& input : inputs_) fields.push_back(input.field);
  return fields;
}

std::vector<Field> Task::sample_fields() const {
  std::vector<Field> fields;
  for (const Input& input : inputs_)
    if (!input.is_target) fields.push_back(input.field);
  return fields;
}

bool Task::takes_mixtures() const {
  return std::ranges::any_of(inputs_, [](const Input& input) { return !input.other.empty(); });
}

void Task::bind(BoundEntry& entry, const Batch& batch) const {
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (!inputs_[i].input.empty()) entry.bind(inputs_[i].input, inputs_[i].field.dtype, batch.values[i]);
    if (!inputs_[i].other.empty()) entry.bind(inputs_[i].other, inputs_[i].field.dtype, batch.others[i]);
  }
  entry.set_scalar(RN_MIXTURE_SHARE, batch.share);
}

std::vector<std::string> Task::sums() const {
  std::vector<std::string> names;
  for (const Metric& metric : metrics()) names.emplace_back(metric.key);
  return names;
}

double Task::value(const Metrics& counted, size_t metric) const {
  return counted.samples == 0 ? 0 : counted.sums.at(metric) / static_cast<double>(counted.samples);
}

void Task::count(Metrics& metrics, const BoundEntry& entry, const Batch& batch) const {
  const rn_value* loss = find(outputs(entry.entry()), RN_LOSS);
  const double mean =
      loss != nullptr ? static_cast<double>(*entry.output<float>(loss->name)) : own_loss(entry, batch);
  metrics.samples += batch.size;
  metrics.loss_sum += mean * static_cast<double>(batch.size);
  metrics.sums.resize(sums().size());
  count_samples(metrics.sums, entry, batch);
}

std::string Task::summary(const Metrics& counted) const {
  std::string text;
  for (size_t i = 0; i < metrics().size(); ++i)
    text += fmt::format("{}{} {}{}", i == 0 ? "" : ", ", metrics()[i].name,
                        metrics()[i].text(value(counted, i)), metrics()[i].share ? " %" : "");
  return text;
}

std::unique_ptr<const Task> task_of(const Model& model, const rn_entry& entry) {
  const Signature signature = signature_of(model, entry);
  std::vector<std::string_view> kinds;
  for (const Kind& kind : kKinds) {
    if (auto task = kind.make(signature)) return task;
    kinds.push_back(entry.role == RN_INFER ? kind.inferred : kind.trained);
  }
  throw Error(fmt::format("entry '{}' of the model {} is for none of rnrun's tasks: {}", entry.name,
                          model.name(), fmt::join(kinds, "; ")));
}

nlohmann::ordered_json task_json(std::string_view name, std::span<const Metric> metrics) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Metric& m : metrics)
    list.push_back({{"key", m.key},
                    {"name", m.name},
                    {"title", m.title},
                    {"share", m.share},
                    {"larger_is_better", m.larger_is_better}});
  return {{"name", name}, {"metrics", list}};
}

std::vector<std::string> model_class_names(const Model& model) {
  const rn_model_descriptor& d = model.descriptor();
  return {d.classes, d.classes + d.class_count};
}

std::vector<std::string> class_names(const Task& task, const Model& model,
                                     const std::vector<std::string>& names) {
  const auto count = static_cast<size_t>(task.class_count());
  std::vector<std::string> result = names.empty() ? model_class_names(model) : names;
  result.resize(std::min(result.size(), count));
  while (result.size() < count) result.push_back(fmt::format("{}", result.size()));
  return result;
}

}  // namespace rnrun
