// What the trainer needs to know of a model: that it classifies images, and what its inputs and outputs are called.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/loader.h"
#include "runtime/model/bound_entry.h"
#include "runtime/model/model.h"

namespace rnrun {

struct Classifier {
  std::string_view image;    // input u8[N, C, H, W]
  std::string_view label;    // input i32[N]
  std::string_view predict;  // output f32[N, classes]
  // Input i32[N] of a loss for mixtures of two images: the other one's label. Empty if the model has none.
  std::string_view label2;
  std::string_view loss;  // output f32[]; empty if there is none
  ImageShape shape;
  int64_t classes = 0;
  int64_t labels = 0;  // those that a label may be: `classes`, or fewer where the loss knows fewer
};

// Throws Error when `entry` does not take one batch of images and one of labels and return the predicted value and
// the loss.
Classifier classifier_of(const Model& model, const rn_entry& entry);
// The same of the entry for inference, which needs neither labels nor a loss; `label` is empty.
Classifier predictor_of(const Model& model);

// Gives the entry a batch's images, and its labels where it takes some.
void bind_batch(BoundEntry& entry, const Classifier& classifier, const Batch& batch);

// The names that the model has for its classes; may be none.
std::vector<std::string> model_class_names(const Model& model);
// `names`, or without any the model's own, and the numbers of the classes that have none.
std::vector<std::string> class_names(const std::vector<std::string>& names, const Model& model,
                                     int64_t classes);

}  // namespace rnrun
