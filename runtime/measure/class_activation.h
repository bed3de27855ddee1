// Where a network looks: maps of Grad-CAM (Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
// Gradient-based Localization", 2017), from a library's entry of role RN_EXPLAIN (rnc --explain).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/data/loader.h"
#include "runtime/model/bound_entry.h"
#include "runtime/task/task.h"

namespace rnrun {

// A number for each pixel, row by row.
struct HeatMap {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<float> values;
};

// The mean of gradient[c, :, :] says how much channel c counts; the map is the sum over the channels of activation[c, :, :]
// times that, and 0 where the sum is negative. Both are f32[channels, height, width].
HeatMap class_activation_map(std::span<const float> activation, std::span<const float> gradient,
                             int64_t height, int64_t width);
// Bilinear, as PyTorch's interpolate with align_corners=False.
HeatMap resized(const HeatMap& map, int64_t height, int64_t width);

// Runs the entry for one layer, batch by batch.
class Explainer {
 public:
  // Of up to `max_batch` samples as `task` describes them; `layer` as rnc was given it, or empty: the first that the
  // library explains. Throws Error when it explains none, or not this one. `session` and `task` must outlive it.
  Explainer(Session& session, const Task& task, const std::string& layer, int64_t max_batch);
  const std::string& layer() const { return layer_; }
  // Once weights are set.
  void prepare() { session_.prepare_for(entry_.entry()); }
  // The output that it explains, and how many numbers that has of a sample.
  std::string prediction() const { return prediction_->name; }
  int64_t predicted() const { return predicted_; }
  // Explains of each sample of the batch the predicted number of this place, which is in 0..predicted()-1.
  void run(const Batch& batch, std::span<const int64_t> places);
  // Of the sample at `index` in the batch that was run last, as large as the layer's result.
  HeatMap map(int64_t index) const;

 private:
  std::span<const float> sample(const rn_value& output, int64_t index) const;
  Session& session_;
  const Task& task_;
  std::string layer_;
  BoundEntry entry_;
  int64_t predicted_ = 0;
  const rn_value* grad_output_ = nullptr;
  const rn_value* prediction_ = nullptr;
  const rn_value* activation_ = nullptr;
  const rn_value* gradient_ = nullptr;
};

}  // namespace rnrun
