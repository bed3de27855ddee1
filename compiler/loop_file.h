// Files of loop IR as input: what --emit=loops wrote, and a person may have edited.
#pragma once

#include <memory>
#include <vector>

#include "compiler/compile.h"
#include "ir/loops/layer.h"
#include "passes/pipeline.h"

namespace rnc {

// By its extension, .loops, or its first word.
bool is_loop_file(const SourceFile& source);

// The program, and the module at its head, which is empty where the file has none; `layers` takes those of the model as
// its author wrote it. With -g, kernels have their places in this file rather than in the spec. Throws UsageError where
// the request needs a graph, UserError where the text has mistakes.
Compilation read_loop_file(const Request& request, std::vector<Layer>& layers);

// The passes of --passes, which may only be such as work on programs; none without it.
std::vector<Pass> loop_passes(const Request& request);

}  // namespace rnc
