// What the ranks of a training have to have in common before it begins.
#pragma once

#include <map>
#include <string>

#include "runtime/commands/train_options.h"
#include "runtime/data/dataset.h"
#include "runtime/model/session.h"
#include "runtime/ranks/communicator.h"
#include "runtime/train/checkpoint.h"

namespace rnrun {

// What a rank has, by what it is.
using Facts = std::map<std::string, std::string>;
// This program, the library and what the command line says that weights depend on.
Facts facts_of(const Model& model, const TrainOptions& options);
// How many samples there are of each kind, and a checksum over at most 256 of them from all over the data.
Facts facts_of(const DataSplits& data);
// Throws Error naming the first fact that another rank has otherwise than rank 0.
void compare(const Communicator& ranks, const Facts& own);

// Gives rank 0's start to the others, whose sessions get its tensors: only rank 0 reads checkpoints and weights.
void share_start(const Communicator& ranks, Session& session, Checkpoint& start);

}  // namespace rnrun
