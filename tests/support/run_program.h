// Running lowered entries in the loop interpreter on the tensors of the reference interpreter.
#pragma once

#include "ir/graph/interpreter.h"
#include "ir/loops/interpreter.h"

namespace rnc::test {

// As evaluate(): outputs and new tensors ("assign.NAME") of an entry of `program`, which was lowered from
// `module`. Entry prepare runs first if there is one.
Tensors run_program(const Module& module, const loops::Program& program, std::string_view entry,
                    int64_t batch, const Tensors& inputs, const Tensors& tensors,
                    const loops::RunOptions& options = {});

// A tensor's values as its type lies in memory, rounded up to 64 bytes, and back. Padding lanes are zero.
std::vector<uint8_t> to_memory(const Type& type, const TensorData& data, int64_t batch);
TensorData from_memory(const Type& type, const std::vector<uint8_t>& memory, int64_t batch);

}  // namespace rnc::test
