// What a model is for: what a batch of its data is, how well it does and how that is told. Training, measuring and
// reporting know this and no task in particular. A task is the model's inputs and its heads: each prediction with the
// target that it is compared with (head.h). A model without such a pair is trained by its losses alone.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/loader.h"
#include "runtime/model/bound_entry.h"
#include "runtime/task/head.h"

namespace rnrun {

class Task {
 public:
  // One tensor of a batch, and which inputs of the model's entries take it.
  struct Input {
    Field field;
    std::string input;  // empty: none, as of an entry for inference
    std::string other;  // the same of the other sample in a mixture; empty: none
  };
  struct NamedHead {
    std::string name;  // of its target; figures have it before theirs where there are several heads
    std::unique_ptr<const Head> head;
  };
  // Of each input there is one; first what there is without a target. `terms`: the outputs that are terms of the loss,
  // each a figure of its own. `class_weight_input`: see below.
  Task(std::vector<Input> inputs, std::vector<NamedHead> heads, std::vector<std::string> terms,
       std::string class_weight_input = {});

  std::string name() const;  // "classification", "several heads", "losses"
  // What it takes of each sample, in the order of Batch::values.
  std::vector<Field> fields() const;
  std::vector<Field> sample_fields() const;
  // Whether its loss takes mixtures of two samples.
  bool takes_mixtures() const;
  // Gives an entry the batch; what it does not take is passed over.
  void bind(BoundEntry& entry, const Batch& batch) const;

  // Its figures besides the loss.
  std::span<const Metric> metrics() const { return metrics_; }
  // Whether a metric is a term of the loss, of which only the means of batches are known.
  bool is_term(size_t metric) const { return metric + terms_.size() >= metrics_.size(); }
  // That by which evaluations are compared: the first of them, or the loss where there are none but terms of it.
  const Metric& criterion() const;
  double criterion_value(const Metrics& counted) const;
  // What is counted for them, by name.
  std::vector<std::string> sums() const;
  // NaN: that cannot be said of these samples.
  double value(const Metrics& counted, size_t metric) const;
  // Adds the batch that `entry` has run. Where the entry computes no loss the first head's own is counted.
  void count(Metrics& metrics, const BoundEntry& entry, const Batch& batch) const;
  // At the end of an evaluation: what only all samples decide (Head::settled) becomes sums.
  void settle(Metrics& metrics) const;
  // The name of that loss.
  std::string_view own_loss_name() const;
  // The result of a training, in a sentence: "accuracy 89.39 % (top-5 99.76 %)".
  std::string summary(const Metrics& counted) const;

  // Whether predictions for several views of a sample, mirrored or cut out of it, can be averaged.
  bool averages_views() const;

  // How many classes there are whose names tell something; 0: it is not about classes.
  int64_t class_count() const;
  // The input of its loss that weighs the classes, f32[class_count()]; empty: there is none.
  std::string_view class_weight_input() const { return class_weight_input_; }
  // Keeps at most so many samples to show.
  std::unique_ptr<Findings> findings(size_t examples) const;
  // Of the sample at this place in the batch that `entry` has run. Throws Error when there are no heads.
  Answer answer(const BoundEntry& entry, int64_t place, const AnswerOptions& options) const;

 private:
  struct Part {  // of one head
    size_t first_metric, first_sum;
    size_t metrics, sums;
  };
  void add_metric(const Metric& metric, const std::string& head);
  HeadCounts counts_of(size_t head, const Metrics& counted) const;

  std::vector<Input> inputs_;
  std::vector<NamedHead> heads_;
  std::vector<std::string> terms_;
  std::string class_weight_input_;
  std::vector<Part> parts_;
  std::deque<std::string> names_;  // that metrics_ refers to
  std::vector<Metric> metrics_;
};

// What an entry of the model is for. Throws Error when it takes no samples, or something that rnrun has no value for.
std::unique_ptr<const Task> task_of(const Model& model, const rn_entry& entry);

// {"name", "metrics": [{"key", "name", "title", "share", "larger_is_better"}]}, for reports.
nlohmann::ordered_json task_json(std::string_view name, std::span<const Metric> metrics);

// The names that the model has for its classes; may be none.
std::vector<std::string> model_class_names(const Model& model);
// For each of the task's classes its name of `names`, or without any of the model's own, else its number; all names for a
// task that does not say how many classes there are.
std::vector<std::string> class_names(const Task& task, const Model& model,
                                     const std::vector<std::string>& names);

}  // namespace rnrun
