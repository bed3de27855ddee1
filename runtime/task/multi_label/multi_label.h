// Several labels per sample, each there or not. Target f32[labels] of 0 and 1, prediction f32[labels] of logits, as
// bce_with_logits takes them; a recipe asks for it: recipe(task = "multi_label").
//
// mean_ap: the mean over the labels of average precision (scikit-learn's average_precision_score with average="macro",
// over the labels that some sample has), which takes all samples, so that it is of evaluations only; micro_f1 and macro_f1
// with labels said to be there from a probability of 0.5 on (scikit-learn's f1_score; a label that is nowhere and is said
// nowhere counts 0).
#pragma once

#include <memory>

#include "runtime/task/head.h"

namespace rnrun {

std::unique_ptr<const Head> make_multi_label(HeadPlace place);

}  // namespace rnrun
