// From a model's scores to classes, and what an evaluation finds out about them besides its totals.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/data/image.h"
#include "runtime/task/classification/calibration.h"

namespace rnrun {

// The probabilities that cross entropy sees in scores; they sum to 1. NaN where a score is.
std::vector<double> softmax(std::span<const float> scores);

// The `count` classes with the highest scores, highest first; of equal scores the lower class comes first,
// and a NaN before everything.
std::vector<int64_t> top_classes(std::span<const float> scores, size_t count);
// How many classes come before this one; all if its score is a NaN.
int64_t rank(std::span<const float> scores, int64_t label);

// An image that was taken for another class.
struct Mistake {
  int64_t index = 0;  // in the data set
  int32_t label = 0;
  int64_t predicted = 0;
  double confidence = 0;        // the probability of the predicted class
  std::vector<uint8_t> pixels;  // as the model saw them, one plane per channel
};

class Predictions {
 public:
  // Of images of this shape. Keeps the `mistakes` most confident mistakes.
  Predictions(int64_t classes, ImageShape image, size_t mistakes);
  // The images at `indices` of the data set: scores[batch][classes], labels and pixels.
  void add(std::span<const uint32_t> indices, const float* scores, const int32_t* labels,
           const uint8_t* pixels);

  int64_t classes() const { return classes_; }
  ImageShape image() const { return image_; }
  // How many images of class `label` were taken for `predicted`.
  int64_t count(int64_t label, int64_t predicted) const {
    return counts_[static_cast<size_t>(label * classes_ + predicted)];
  }
  int64_t total(int64_t label) const;  // images of the class
  // The mean of the classes' F1, as scikit-learn's f1_score with average="macro" over the classes that are labels or
  // predictions; 0 without images.
  double macro_f1() const;
  const Calibration& calibration() const { return calibration_; }
  // The most confident first; of equal ones the earlier image.
  const std::vector<Mistake>& mistakes() const { return mistakes_; }

 private:
  void note_mistake(Mistake mistake, const uint8_t* pixels);
  int64_t classes_;
  ImageShape image_;
  size_t most_;
  std::vector<int64_t> counts_;
  Calibration calibration_;
  std::vector<Mistake> mistakes_;
};

}  // namespace rnrun
