// rnrun train --lr-find.
#pragma once

#include <string>

#include "runtime/data/dataset.h"
#include "runtime/model/session.h"
#include "runtime/support/output.h"
#include "runtime/task/task.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

// Finds a learning rate, prints it, and writes lr_find.csv and lr_find.html to `directory`, which is made if it is not
// there. With `lines`, these get {"event": "lr_find", ...}. Returns the exit status; changes no tensor.
int find_lr(Session& session, const Task& task, const Dataset& data, const TrainSettings& settings,
            const std::string& directory, int workers, LineOutput* lines);

}  // namespace rnrun
