#include "runtime/task/task.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "runtime/support/error.h"
#include "runtime/task/head_findings.h"

namespace rnrun {

namespace {

constexpr Metric kLoss{"loss", "loss", "Loss", "loss", "loss", false, false};

}  // namespace

Task::Task(std::vector<Input> inputs, std::vector<NamedHead> heads, std::vector<std::string> terms,
           std::string class_weight_input)
    : inputs_(std::move(inputs)),
      heads_(std::move(heads)),
      terms_(std::move(terms)),
      class_weight_input_(std::move(class_weight_input)) {
  size_t sums = 0;
  for (const NamedHead& h : heads_) {
    parts_.push_back({metrics_.size(), sums, h.head->metrics().size(), h.head->sums().size()});
    sums += parts_.back().sums;
    for (const Metric& metric : h.head->metrics()) add_metric(metric, heads_.size() > 1 ? h.name : "");
  }
  for (const std::string& term : terms_)
    add_metric({.key = term,
                .name = term,
                .title = term,
                .progress = term,
                .test = term,
                .share = false,
                .larger_is_better = false},
               "");
}

// As "age_mae", "age: MAE" where there are several heads.
void Task::add_metric(const Metric& metric, const std::string& head) {
  Metric& added = metrics_.emplace_back(metric);
  if (head.empty()) {
    for (std::string_view* text : {&added.key, &added.name, &added.title, &added.progress, &added.test})
      *text = names_.emplace_back(*text);
    return;
  }
  added.key = names_.emplace_back(fmt::format("{}_{}", head, metric.key));
  added.name = names_.emplace_back(fmt::format("{} {}", head, metric.name));
  added.title = names_.emplace_back(fmt::format("{}: {}", head, metric.title));
  added.progress = names_.emplace_back(fmt::format("{}_{}", head, metric.progress));
  added.test = names_.emplace_back(fmt::format("{} {}", head, metric.test));
}

std::string Task::name() const {
  if (heads_.empty()) return "losses";
  return heads_.size() == 1 ? std::string(heads_[0].head->kind()) : "several heads";
}

std::vector<Field> Task::fields() const {
  std::vector<Field> fields;
  for (const Input& input : inputs_) fields.push_back(input.field);
  return fields;
}

std::vector<Field> Task::sample_fields() const {
  std::vector<Field> fields;
  for (const Input& input : inputs_)
    if (!input.field.is_target) fields.push_back(input.field);
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

bool Task::averages_views() const {
  return !heads_.empty() &&
         std::ranges::all_of(heads_, [](const NamedHead& h) { return h.head->averages_views(); });
}

const Metric& Task::criterion() const { return heads_.empty() ? kLoss : metrics_.front(); }

double Task::criterion_value(const Metrics& counted) const {
  return heads_.empty() ? counted.loss() : value(counted, 0);
}

std::vector<std::string> Task::sums() const {
  std::vector<std::string> names;
  for (const NamedHead& h : heads_)
    for (const std::string& sum : h.head->sums())
      names.push_back(heads_.size() > 1 ? fmt::format("{}_{}", h.name, sum) : sum);
  names.insert(names.end(), terms_.begin(), terms_.end());
  return names;
}

HeadCounts Task::counts_of(size_t head, const Metrics& counted) const {
  const Part& part = parts_[head];
  HeadCounts counts{.samples = counted.sums.empty() ? 0 : counted.samples};
  if (!counted.sums.empty()) counts.sums = std::span(counted.sums).subspan(part.first_sum, part.sums);
  if (head < counted.kept.size()) counts.kept = counted.kept[head];
  return counts;
}

double Task::value(const Metrics& counted, size_t metric) const {
  if (counted.samples == 0) return 0;
  for (size_t i = 0; i < heads_.size(); ++i)
    if (metric < parts_[i].first_metric + parts_[i].metrics)
      return heads_[i].head->value(counts_of(i, counted), metric - parts_[i].first_metric);
  const size_t first = metrics_.size() - terms_.size();
  const size_t sum = counted.sums.size() - terms_.size() + (metric - first);
  return counted.sums.at(sum) / static_cast<double>(counted.samples);
}

void Task::count(Metrics& metrics, const BoundEntry& entry, const Batch& batch) const {
  const auto scalar = [&](std::string_view name) { return static_cast<double>(*entry.output<float>(name)); };
  const rn_value* loss = find(outputs(entry.entry()), RN_LOSS);
  const double own = loss != nullptr  ? scalar(loss->name)
                     : heads_.empty() ? std::numeric_limits<double>::quiet_NaN()
                                      : heads_[0].head->own_loss(entry, batch);
  metrics.samples += batch.size;
  metrics.loss_sum += own * static_cast<double>(batch.size);
  const size_t own_sums = parts_.empty() ? 0 : parts_.back().first_sum + parts_.back().sums;
  metrics.sums.resize(own_sums + terms_.size());
  if (metrics.keeps) metrics.kept.resize(heads_.size());
  for (int64_t k = 0; k < batch.size; ++k) {
    std::vector<double> own_of_sample(own_sums);
    for (size_t i = 0; i < heads_.size(); ++i)
      heads_[i].head->count({std::span(own_of_sample).subspan(parts_[i].first_sum, parts_[i].sums),
                             metrics.keeps ? &metrics.kept[i] : nullptr},
                            entry, batch, k);
    for (size_t i = 0; i < own_sums; ++i) metrics.sums[i] += own_of_sample[i];
    if (metrics.keeps) metrics.rows.insert(metrics.rows.end(), own_of_sample.begin(), own_of_sample.end());
  }
  for (size_t i = 0; i < terms_.size(); ++i)
    metrics.sums[own_sums + i] += scalar(terms_[i]) * static_cast<double>(batch.size);
}

void Task::settle(Metrics& metrics) const {
  for (size_t i = 0; i < metrics.kept.size(); ++i) {
    const std::vector<double> own = heads_[i].head->settled(metrics.kept[i]);
    if (own.empty()) continue;
    metrics.kept[i].clear();
    const size_t sums = parts_[i].sums, all = metrics.rows.size() / static_cast<size_t>(metrics.samples);
    for (size_t k = 0; k < own.size(); ++k) {
      metrics.sums[parts_[i].first_sum + k % sums] += own[k];
      metrics.rows[k / sums * all + parts_[i].first_sum + k % sums] += own[k];
    }
  }
}

std::string_view Task::own_loss_name() const {
  return heads_.empty() ? "loss" : heads_[0].head->own_loss_name();
}

std::string Task::summary(const Metrics& counted) const {
  std::string text = heads_.empty() ? fmt::format("loss {:.4f}", counted.loss()) : "";
  for (size_t i = 0; i < heads_.size(); ++i)
    text += fmt::format("{}{}{}", i == 0 ? "" : "; ", heads_.size() > 1 ? heads_[i].name + ": " : "",
                        heads_[i].head->summary(counts_of(i, counted)));
  return text;
}

int64_t Task::class_count() const { return heads_.size() == 1 ? heads_[0].head->class_count() : 0; }

std::unique_ptr<Findings> Task::findings(size_t examples) const {
  std::vector<HeadFindings::Named> all;
  for (const NamedHead& h : heads_)
    all.push_back({h.name, h.head->findings(examples), h.head->class_count()});
  if (all.size() == 1) return std::move(all[0].findings);
  return std::make_unique<HeadFindings>(std::move(all));
}

Answer Task::answer(const BoundEntry& entry, int64_t place, const AnswerOptions& options) const {
  if (heads_.empty())
    throw Error("the model's predictions are of no kind that can be told in words: use rnrun call");
  if (heads_.size() == 1) return heads_[0].head->answer(entry, place, options);
  Answer all;
  for (const NamedHead& h : heads_) {
    Answer one = h.head->answer(entry, place, {numbers_of(h.head->class_count()), options.top});
    all.text += fmt::format(" {}:\n{}", h.name, one.text);
    all.json[h.name] = std::move(one.json);
  }
  return all;
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
  const std::vector<std::string> known = names.empty() ? model_class_names(model) : names;
  if (task.class_count() == 0) return known;
  std::vector<std::string> result = numbers_of(task.class_count());
  std::copy_n(known.begin(), std::min(result.size(), known.size()), result.begin());
  return result;
}

}  // namespace rnrun
