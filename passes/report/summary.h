// The table of --emit=summary: what a model is made of, and the memory it takes.
#pragma once

#include <string>

#include "ir/graph/graph.h"
#include "ir/loops/program.h"

namespace rnc {

// Multiply-adds of a convolution or matrix product, per sample; 0 for other operations.
int64_t multiply_adds_per_sample(const Graph& graph, const Node& node);

// A line per operation of the forward pass (entry "model", or "infer" where derived) in execution order:
// name and operation, shape of the result, elements of the parameters and buffers it is the first to read,
// and multiply-adds per sample; then the totals, as Keras and Paddle print them. Ends in a newline.
std::string summary(const Module& model);

// Megabytes (10^6 bytes) that `model` takes at batch 1 and at the batch of its recipe (64 where it has none):
// its layers' results, all held at once, and the peaks of inference and training in `program`, which it was
// compiled to: the tensors that the entry uses, its inputs and results, and temporaries in their planned
// places.
std::string memory_summary(const Module& model, const loops::Program& program);

// The recipe's batch size; 64 where it has none.
int64_t recipe_batch(const Module& model);
// Bytes of the tensors that an entry's calls use, its inputs, results and planned temporaries.
int64_t peak_bytes(const loops::EntryProgram& entry, int64_t batch);

// The algorithm that computes each convolution and matrix product in inference, and in the three directions
// of a training step; empty where there are none.
std::string conv_summary(const loops::Program& program);

// How evenly the tasks of inference and of a training step divide among 2, 8, 32 and 64 threads at the batch
// of the recipe: the largest share of a thread over the mean share, the calls weighted by the time they
// should take. From the static schedule (each thread an equal number of the call's tasks), not measured.
std::string thread_summary(const Module& model, const loops::Program& program);

}  // namespace rnc
