// How `rnrun predict` prints what a model says of images.
#pragma once

#include <memory>
#include <string>

#include "runtime/task/task.h"

namespace rnrun {

// Prints to standard output. Names that are not UTF-8 are printed as they are in text and CSV; in JSON, where
// they cannot be, with replacement characters.
class PredictionsFormat {
 public:
  virtual ~PredictionsFormat() = default;
  virtual void answer(const std::string& image, const Answer& answer) = 0;
  // An image that could not be read; why is told elsewhere, too.
  virtual void failed(const std::string& image, const std::string& reason) = 0;
  virtual void finish() {}
};

enum class PredictionsKind { text, json, jsonl, csv };
std::unique_ptr<PredictionsFormat> predictions_format(PredictionsKind kind);

}  // namespace rnrun
