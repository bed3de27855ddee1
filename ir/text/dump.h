// Turns the syntax tree of a dump into a module: a model with entries, each a list of single operations.
#pragma once

#include "ir/graph/graph.h"
#include "ir/text/errors.h"
#include "ir/text/library.h"
#include "ir/text/text.h"

namespace rnc::text {

// Whether a model is written in flat form: whether it has an entry.
bool is_dump(const Definition& model);

// Types are inferred and must agree with those written down. Mistakes go to `errors`; the module is whole
// where there are none.
Module read_dump(const Library& library, const ElaborateOptions& options, Errors& errors);

}  // namespace rnc::text
