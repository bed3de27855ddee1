// What training sees of its images.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/data/dataset.h"
#include "runtime/task/task.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

inline constexpr int64_t kMaxPreview = 1024;

// Writes the first `count` images of an epoch as a PNG file: a row of images as they are, below them the same as they are
// trained on, and so on. Mixtures are those of training, too. Throws Error when the model takes no pictures.
void write_preview(const std::string& path, int64_t count, const Dataset& data, const Task& task,
                   const TrainSettings& settings, int64_t epoch, int workers);

}  // namespace rnrun
