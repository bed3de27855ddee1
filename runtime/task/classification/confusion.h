// Which predictions were right and wrong, class by class: as tables for people, and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/task/classification/predictions.h"

namespace rnrun {

// Per class its images and the share that was predicted right; then a matrix: a row per class, a column per
// predicted class. `names` of the classes. Ends in a newline.
std::string confusion_text(const Predictions& predictions, const std::vector<std::string>& names);

// {"classes": [{"class", "images", "accuracy": null if there are none}], "confusion": [[counts by predicted
// class]]}
nlohmann::ordered_json confusion_json(const Predictions& predictions, const std::vector<std::string>& names);

}  // namespace rnrun
