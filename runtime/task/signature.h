// What an entry takes and returns, by role.
#pragma once

#include <vector>

#include "runtime/model/model.h"

namespace rnrun {

struct Signature {
  std::vector<const rn_value*> samples;
  std::vector<const rn_value*> targets;
  std::vector<const rn_value*> others;  // the targets of the other sample in a mixture
  // Targets without a batch, f32[...]: the same for all samples, as weights are.
  std::vector<const rn_value*> shared;
  std::vector<const rn_value*> predictions;  // first the one that the model is said to predict
  const rn_value* loss = nullptr;            // f32[]
  std::vector<const rn_value*> terms;        // of the loss, each f32[]
  bool unknown = false;                      // it takes something else that is no scalar
};
Signature signature_of(const Model& model, const rn_entry& entry);

inline bool has_batch(const rn_value& v) { return v.type.rank > 0 && v.type.dims[0] < 0; }

}  // namespace rnrun
