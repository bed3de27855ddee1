// What a model is for: what a batch of its data is, how well it does and how that is told. Training, measuring and
// reporting know this and no task in particular. A task is a class of its own and a line in the table in task.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/loader.h"
#include "runtime/model/bound_entry.h"
#include "runtime/task/metrics.h"

namespace rnrun {

// What an evaluation finds out besides its metrics, sample by sample.
class Findings {
 public:
  virtual ~Findings() = default;
  // The batch that `entry` has run: the samples at `indices` of the data set.
  virtual void add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) = 0;
  // For the report's page, after an epoch.
  virtual nlohmann::ordered_json report(int64_t epoch) const = 0;
  // For `rnrun eval`: tables that end in a newline, and what JSON has besides the metrics.
  virtual std::string text(const std::vector<std::string>& class_names) const = 0;
  virtual nlohmann::ordered_json json(const std::vector<std::string>& class_names) const = 0;
};

// What a model says of one sample.
struct Answer {
  std::string text;  // lines
  nlohmann::ordered_json json;
};
struct AnswerOptions {
  std::vector<std::string> class_names;
  size_t top = 5;  // of several possible answers, the likeliest
};

class Task {
 public:
  // One tensor of a batch, and which inputs of the model's entries take it.
  struct Input {
    Field field;
    std::string input;  // empty: none, as of an entry for inference
    std::string other;  // the same of the other sample in a mixture; empty: none
    bool is_target = false;
  };
  explicit Task(std::vector<Input> inputs) : inputs_(std::move(inputs)) {}
  virtual ~Task() = default;

  virtual std::string_view name() const = 0;  // "classification"
  // What it takes of each sample, in the order of Batch::values; first what there is without a target.
  std::vector<Field> fields() const;
  std::vector<Field> sample_fields() const;
  // Whether its loss takes mixtures of two samples.
  bool takes_mixtures() const;
  // Gives an entry the batch; what it does not take is passed over.
  void bind(BoundEntry& entry, const Batch& batch) const;

  // Its figures besides the loss. By the first of them evaluations are compared.
  virtual std::span<const Metric> metrics() const = 0;
  // What is counted for them, by name. By default one sum for each metric, which is the sum's share of the samples.
  virtual std::vector<std::string> sums() const;
  virtual double value(const Metrics& counted, size_t metric) const;
  // Adds the batch that `entry` has run. Where the entry computes no loss the task's own is counted.
  void count(Metrics& metrics, const BoundEntry& entry, const Batch& batch) const;
  // The name of that loss.
  virtual std::string_view own_loss_name() const = 0;
  // The result of a training, in a sentence: "accuracy 89.39 % (top-5 99.76 %)".
  virtual std::string summary(const Metrics& counted) const;

  // Whether predictions for several views of a sample, mirrored or cut out of it, can be averaged.
  virtual bool averages_views() const { return false; }

  // How many classes there are whose names tell something; 0: it is not about classes.
  virtual int64_t class_count() const { return 0; }
  // Keeps at most so many samples to show.
  virtual std::unique_ptr<Findings> findings(size_t examples) const = 0;
  // Of the sample at this place in the batch that `entry` has run.
  virtual Answer answer(const BoundEntry& entry, int64_t place, const AnswerOptions& options) const = 0;

 protected:
  const std::vector<Input>& inputs() const { return inputs_; }
  virtual void count_samples(std::span<double> sums, const BoundEntry& entry, const Batch& batch) const = 0;
  // The mean over the batch.
  virtual double own_loss(const BoundEntry& entry, const Batch& batch) const = 0;

 private:
  std::vector<Input> inputs_;
};

// What an entry of the model is for. Throws Error, saying what the tasks that there are take and return, when it is none
// of them.
std::unique_ptr<const Task> task_of(const Model& model, const rn_entry& entry);

// {"name", "metrics": [{"key", "name", "title", "share", "larger_is_better"}]}, for reports.
nlohmann::ordered_json task_json(std::string_view name, std::span<const Metric> metrics);

// The names that the model has for its classes; may be none.
std::vector<std::string> model_class_names(const Model& model);
// For each of the task's classes its name of `names`, or without any of the model's own, else its number.
std::vector<std::string> class_names(const Task& task, const Model& model,
                                     const std::vector<std::string>& names);

}  // namespace rnrun
