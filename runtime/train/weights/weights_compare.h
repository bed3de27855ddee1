// How the tensors of a file and those of a model compare.
#pragma once

#include <string>

#include "runtime/train/weights/weights.h"
#include "runtime/train/weights/weights_file.h"

namespace rnrun {

// The value of a tensor: its moving average where a checkpoint has one. Null if there is none.
const StoredTensor* value_of(const WeightsFile& file, const std::string& name);
// Whether a value has the tensor's shape, and a type that becomes f32.
bool fits(const StoredTensor& value, const rn_tensor& tensor);

bool is_weight(const rn_tensor& tensor);  // a parameter or buffer
bool may_be_set(const rn_tensor& tensor, const WeightsOptions& options);

// Counts what fits and lists what does not; of the match, `loaded`, `missing`, `extra` and `misshapen`.
WeightsMatch compare(const WeightsFile& file, const Model& model, const WeightsOptions& options);
// "\n  missing: a, b" for each kind of difference there is.
std::string differences(const WeightsMatch& match);
// " it has weights for 37 classes, the model has 10" where all tensors of other shapes differ in that.
std::string other_classes(const WeightsFile& file, const Model& model);

}  // namespace rnrun
