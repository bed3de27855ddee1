#include "compiler/loop_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "ir/loops/text/text.h"

namespace rnc {
namespace {

bool is_code(Emit emit) { return emit >= Emit::llvm; }

// Options that change the graph come too late.
void check_options(const Request& request) {
  const auto refuse = [](bool given, std::string_view option) {
    if (given) throw UsageError{fmt::format("{} needs a graph; the input is loop IR", option)};
  };
  refuse(request.emit < Emit::loops, "--emit=graph, onnx, dot or summary");
  refuse(!request.set.empty(), "--set");
  refuse(!request.optimizer.empty(), "--optimizer");
  refuse(!request.freeze.empty(), "--freeze");
  refuse(!request.weights.empty(), "--weights");
  refuse(request.memory_budget > 0, "--memory-budget");
  refuse(request.conv != "auto", "--conv");
  refuse(request.precision != "f32", "--precision");
}

void use_places_in_file(loops::Listing& listing) {
  for (size_t k = 0; k < listing.program.kernels.size(); ++k)
    listing.program.kernels[k].location = listing.kernel_places[k];
  for (loops::EntryProgram& entry : listing.program.entries) {
    for (loops::Call& call : entry.calls) call.location = {};
  }
}

}  // namespace

bool is_loop_file(const SourceFile& source) {
  return std::filesystem::path(source.name).extension() == ".loops" || loops::is_listing(source);
}

Compilation read_loop_file(const Request& request, std::vector<Layer>& layers) {
  check_options(request);
  loops::Listing listing = loops::parse_listing(request.source);
  if (request.debug && is_code(request.emit)) use_places_in_file(listing);
  Compilation compilation;
  if (listing.module) compilation.module = std::move(*listing.module);
  compilation.program = std::move(listing.program);
  layers = std::move(listing.layers);
  return compilation;
}

std::vector<Pass> loop_passes(const Request& request) {
  std::vector<Pass> passes = passes_by_name(request.passes.value_or(""));
  const auto all = pipeline();
  const auto lowering = std::ranges::find(all, "lower_to_loops", &Pass::name);
  for (const Pass& pass : passes) {
    if (std::find_if(lowering + 1, all.end(), [&](const Pass& p) { return p.name == pass.name; }) ==
        all.end())
      throw UserError({}, fmt::format("pass {} works on graphs; the input is loop IR", pass.name));
  }
  return passes;
}

}  // namespace rnc
