// The loop IR as a language (ir/README.md): reads what print() writes, and what a person made of that.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/loops/layer.h"
#include "ir/loops/program.h"
#include "ir/text/text.h"

namespace rnc::loops {

// What a file of loop IR holds.
struct Listing {
  // The model that the program belongs to, without its entries: what a library needs beside the program. None
  // where the file begins with entries or kernels.
  std::optional<Module> module;
  std::vector<Layer> layers;  // of the model as its author wrote it
  Program program;
  std::vector<SourceLocation> kernel_places;  // in the file, by kernel; Kernel::location is that in the spec
};

// Throws all mistakes, those that the verifiers find too, as one UserError. A program that is returned keeps
// all rules.
Listing parse_listing(const std::shared_ptr<const SourceFile>& source);

// Whether a text is loop IR rather than a graph, by its first word.
bool is_listing(const SourceFile& source);

// The text of a whole file: parse_listing() gives the program, the layers and what `module` says beside its entries.
std::string print(const Module& module, const std::vector<Layer>& layers, const Program& program);

// Whether two programs are the same in everything but how blocks nest and where statements come from.
bool equal(const Program& a, const Program& b);

}  // namespace rnc::loops
