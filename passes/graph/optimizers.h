// The optimizers: what `train sgd(...)` may say, the state each parameter needs, and one step as graph nodes,
// computed as PyTorch's torch.optim does; those that it has not, as their papers do. What each takes, its
// defaults and its slots stand in its row (optimizer_rules.h).
//
// Each also takes weight_decay, and, as torchvision's train.py, norm_weight_decay for the parameters of batch
// norms and bias_weight_decay for all biases, which have weight_decay where these are not given.
//
// A number the model names becomes an input of the training entries, with the model's value as its default;
// one it leaves out costs nothing: there is no code for it. `lr` is always an input. `step`, 1 for the first
// step, is one where the rule depends on it. All are f64, as PyTorch's numbers are, so that 1 - beta2 keeps digits that
// f32 does not have.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

// The optimizer with its hyper-parameters checked, defaults filled in and numbers held as reals. Throws
// UserError.
Optimizer complete_optimizer(const Optimizer& optimizer);

// The functions below take a complete optimizer.

// A scalar input of the entries that update.
struct UpdateInput {
  std::string name;
  InputRole role = InputRole::hyper;
};
// All of them, in order: "lr", hyper-parameters, "step".
std::vector<UpdateInput> update_inputs(const Optimizer& optimizer);
// The tensors of a parameter's optimizer state: "momentum.conv1.weight", ...
std::vector<std::string> slot_tensors(const Optimizer& optimizer, const std::string& parameter);
// Emits one step for one parameter: its new value and those of its slots. `inputs` holds update_inputs by
// name; `norm`: it is a batch norm's.
std::vector<Assign> emit_update(GraphBuilder& builder, const Optimizer& optimizer,
                                const std::map<std::string, ValueId>& inputs, const std::string& parameter,
                                bool norm, ValueId gradient);

}  // namespace rnc
