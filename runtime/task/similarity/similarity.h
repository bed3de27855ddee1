// Similarity: embeddings f32[N, D] in which samples of one class, i32[N], lie near each other.
//
// recall_at_1 is the share of samples whose nearest other sample, by Euclidean distance, is of their class, recall_at_5
// that of samples with one of their class among the nearest five (Jégou et al. 2011; as in metric learning since Oh Song et
// al. 2016). Samples without another of their class do not count.
#pragma once

#include <memory>

#include "runtime/task/head.h"

namespace rnrun {

std::unique_ptr<const Head> make_similarity(HeadPlace place);

}  // namespace rnrun
