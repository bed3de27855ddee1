// The settings that a training of a model begins with.
#pragma once

#include "runtime/model/model.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

// The model's recipe; what it leaves open has the defaults of TrainSettings. `step` is the entry train_step, whose numbers
// become `hyper`. Throws Error when the recipe has a value that is not allowed.
TrainSettings recipe_settings(const Model& model, const rn_entry& step);

}  // namespace rnrun
