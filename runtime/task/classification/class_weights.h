// Weights of classes in a loss, for data in which some classes have many more samples than others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/data/dataset.h"
#include "runtime/model/model.h"
#include "runtime/task/task.h"

namespace rnrun {

// By class what --class-weights says: "balanced" makes them samples / (classes * samples of the class) as scikit-learn
// does, where a class without samples counts for nothing and weighs 1; anything else is a text file with a number for
// each class in their order, separated by spaces, commas or newlines. `data` are those to train on. Throws UsageError
// when the loss of the model's entry train_step takes no weights, saying what has to be written, and Error when the file
// is not as it should be.
std::vector<float> class_weights(const std::string& choice, const Model& model, const Task& task,
                                 const Dataset& data);

// From the number of samples of each class.
std::vector<float> balanced_weights(const std::vector<int64_t>& counts);

}  // namespace rnrun
