// One prediction of a model and what it is compared with: what is counted, the figures made of that, and what is shown.
// A model has one head or several. A kind of head is a class of its own in a folder of its own, and a line in the table in
// heads.cpp.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/task/findings.h"
#include "runtime/task/metrics.h"

namespace rnrun {

// Where in an entry and in a batch a head finds what it is about.
struct HeadPlace {
  std::string prediction;      // the output, f32
  std::vector<int64_t> shape;  // of one sample's prediction
  Field target;
  size_t target_place = 1;      // among the fields of a batch
  std::optional<Field> sample;  // the first that is a picture, to be shown; it is the first field

  int64_t elements() const;  // of one sample's prediction
};

class Head {
 public:
  explicit Head(HeadPlace place) : place_(std::move(place)) {}
  virtual ~Head() = default;

  virtual std::string_view kind() const = 0;  // "classification"
  // Its figures. By the first of them evaluations are compared.
  virtual std::span<const Metric> metrics() const = 0;
  // What is counted for them, by name. By default one sum for each metric, which is the sum's share of the samples.
  virtual std::vector<std::string> sums() const;
  // NaN: that cannot be said of these samples.
  virtual double value(const HeadCounts& counted, size_t metric) const;
  // Adds the sample at this place in the batch that `entry` has run.
  virtual void count(HeadSums sums, const BoundEntry& entry, const Batch& batch, int64_t index) const = 0;

  // Sums of each sample that only all samples decide: of what `count` has kept of them, in their order and in that of
  // sums(), whose own parts are 0 then. Empty: there are none, and what is kept stays.
  virtual std::vector<double> settled(std::span<const float> /*kept*/) const { return {}; }

  // The loss to count where the entry computes none, as the mean over the batch.
  virtual std::string_view own_loss_name() const = 0;
  virtual double own_loss(const BoundEntry& entry, const Batch& batch) const = 0;

  // In a sentence: "accuracy 89.39 % (top-5 99.76 %)".
  virtual std::string summary(const HeadCounts& counted) const;
  // Whether predictions of several views of a sample have a mean that is a prediction.
  virtual bool averages_views() const { return false; }
  // How many classes there are whose names tell something; 0: it is not about classes.
  virtual int64_t class_count() const { return 0; }
  // Keeps at most so many samples to show.
  virtual std::unique_ptr<Findings> findings(size_t examples) const = 0;
  // Of the sample at this place in the batch that `entry` has run.
  virtual Answer answer(const BoundEntry& entry, int64_t place, const AnswerOptions& options) const = 0;

 protected:
  const HeadPlace& place() const { return place_; }
  // All samples' predictions, and those of the one at `index`.
  const float* predictions(const BoundEntry& entry) const { return entry.output<float>(place_.prediction); }
  std::span<const float> prediction(const BoundEntry& entry, int64_t index) const;
  // The same of targets.
  template <class T>
  std::span<const T> targets(const Batch& batch) const {
    return batch.as<T>(place_.target_place, place_.target.elements());
  }
  template <class T>
  std::span<const T> target(const Batch& batch, int64_t index) const {
    const auto each = static_cast<size_t>(place_.target.elements());
    return targets<T>(batch).subspan(static_cast<size_t>(index) * each, each);
  }

 private:
  HeadPlace place_;
};

}  // namespace rnrun
