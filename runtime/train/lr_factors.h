// Learning rates of single parameters, as PyTorch has them by groups of parameters: each is the training's rate times a
// factor.
//
// Every optimizer's step is lr times something that does not depend on lr (passes/graph/optimizer_rules.h), so a step
// with rate f lr is p + f (p' - p), where p' is where the compiled step with rate lr has moved p. A factor of 0 leaves a
// parameter as it is, bit for bit; its optimizer state follows the gradients all the same.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/model/session.h"
#include "runtime/support/memory.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

// The factors of an epoch (from 0) by parameter, where they are not 1:
//   lr_mult         "layer4.*=0.1,fc=1": of the parameters that match, by * and ?, or are in a layer of that name; of
//                   several patterns that match, the last counts
//   layer_decay     f: 1 for the last block, f for the one before, f^2, ... (Clark et al., "ELECTRA", ICLR 2020; as in the
//                   recipes of BEiT and ConvNeXt). A block is what has the same name up to its first number, "layer1.0";
//                   what stands between such is a block, too: a stem, a head
//   freeze_epochs   0 in so many first epochs for the parameters that `freeze` names, by patterns as above
// They multiply. Throws UsageError when a text cannot be read or a pattern matches no parameter.
std::map<std::string, double> lr_factors(const Model& model, const TrainSettings& settings, int64_t epoch);

// Applies factors to the steps of a session, which must outlive it. Results do not depend on the number of threads.
class LrFactors {
 public:
  LrFactors(Session& session, const std::map<std::string, double>& factors);
  void before_step();
  void after_step();

 private:
  struct Block {
    int64_t begin;  // in floats from the region's beginning
    int64_t count;
    int64_t kept;  // in floats, its place in kept_
    float factor;
  };
  float* parameters() const;

  Session* session_;
  std::vector<Block> blocks_;
  Memory kept_;
};

}  // namespace rnrun
