// How well a model does on a data set.
#pragma once

#include "runtime/data/dataset.h"
#include "runtime/model/session.h"
#include "runtime/ranks/communicator.h"
#include "runtime/task/task.h"

namespace rnrun {

// Whether the model has a loss of its own; a library with its weights in it has entry infer only.
bool has_loss(const Model& model);
// The entry for the loss, or for inference if there is none, and for several views, whose predictions are averaged before
// there is a loss; Error if there is neither.
const rn_entry& evaluated_entry(const Model& model, TestViews views = TestViews::one);

// Runs entry `prepare`, then `loss` on every batch in order, the last partial one included; with
// `limit_batches` > 0 on so many batches of samples from all over the data set. Stops after a batch when
// interrupted(). Where there is no entry `loss`, `infer` instead, and the loss is the task's own. `task` is that of the
// entry. `workers` threads read the samples. Tells `findings` of every batch, if given. Several
// views of each sample: see test_views.h. The ranks of a job take batches in turn; all get the metrics, which are those of
// one rank bit for bit, and rank 0 the findings. They stop when one of them is interrupted().
Metrics evaluate(Session& session, const Task& task, const Dataset& data, int64_t batch_size,
                 int64_t limit_batches, int workers, Findings* findings = nullptr,
                 TestViews views = TestViews::one, const Communicator& ranks = {});

}  // namespace rnrun
