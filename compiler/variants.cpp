#include "compiler/variants.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "compiler/embed_weights.h"
#include "compiler/weights.h"
#include "passes/schedule/memory_budget.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

bool is_for_all_targets(Emit emit) {
  return emit == Emit::object || emit == Emit::shared || emit == Emit::trainer;
}

bool depends_on_target(Emit emit, std::span<const Pass> passes) {
  return emit >= Emit::summary || std::ranges::any_of(passes, &Pass::knows_target);
}

// Those that stay the same for every target.
std::span<const Pass> common_passes(std::span<const Pass> passes) {
  const auto first = std::ranges::find(passes, true, &Pass::knows_target);
  return passes.first(static_cast<size_t>(first - passes.begin()));
}

Compilation for_target(Compilation compilation, const Target& target) {
  const TargetInfo asked = std::exchange(compilation.target, target.info);
  compilation.target.conv = asked.conv;
  compilation.target.precision = asked.precision;
  return compilation;
}

// Moves reports and remarks to the artifact, as those of a variant if it has a name.
void take_reports(std::vector<PassReport> reports, Remarks remarks, const std::string& variant,
                  Artifact& artifact) {
  if (!variant.empty()) {
    for (PassReport& report : reports) report.pass = fmt::format("{} for {}", report.pass, variant);
    for (Remark& remark : remarks) remark.text = fmt::format("for {}: {}", variant, remark.text);
  }
  std::ranges::move(reports, std::back_inserter(artifact.passes));
  std::ranges::move(remarks, std::back_inserter(artifact.remarks));
}

// Throws UserError where the code asked for needs more than there is: planned memory, the model, entries.
void check_complete(const Request& request, const Compilation& compilation) {
  if (request.emit < Emit::llvm) return;
  const loops::Program& program = *compilation.program;
  for (const loops::EntryProgram& entry : program.entries) {
    const auto lies_in = [&](loops::Region region) {
      return std::ranges::any_of(entry.buffers, [&](const auto& buffer) { return buffer.region == region; });
    };
    if (lies_in(loops::Region::arena) && entry.arena[0] == loops::Extent{})
      throw UserError(
          {}, fmt::format("entry {}: its memory is not planned; --passes=plan_memory does that", entry.name));
    if (lies_in(loops::Region::tensor) && compilation.module.tensors.empty())
      throw UserError({}, fmt::format("entry {} uses tensors, and there is no model with these", entry.name));
  }
  for (const loops::Kernel& kernel : program.kernels) {
    if (kernel.name == RN_MODEL_SYMBOL)
      throw UserError({},
                      fmt::format("no kernel can be called {}: the library's descriptor is", kernel.name));
  }
  if (request.emit != Emit::shared && request.emit != Emit::trainer) return;
  if (compilation.module.name.empty() || program.entries.empty())
    throw UserError({},
                    "a library needs the model and its entries, and there are none; --emit=asm, obj and llvm "
                    "do without");
}

// Libraries are linked for Linux alone.
void check_format(const Request& request, const Target& target) {
  if (target.format == ObjectFormat::elf) return;
  if (request.emit == Emit::shared || request.emit == Emit::trainer)
    throw UsageError{
        fmt::format("for {} rnc makes object files (-o NAME.o), which the linker there takes; no "
                    "libraries and no trainers",
                    target.triple)};
}

// The weights that are asked for become part of the program, or of all programs.
void embed(const Request& request, const Input& input, bool several, Variant& variant) {
  if (several)
    variant.values = share_weights(variant.compilation, input.weights);
  else if (!request.weights.empty())
    embed_weights(variant.compilation, input.weights);
  else
    embed_weights(variant.compilation, own_weights(input.compilation.module, input.values));
}

}  // namespace

TargetRequest target_request(const Request& request) {
  TargetRequest target = request.target;
  target.bf16 = asks_for_less(parse_precision_rules(request.precision));
  return target;
}

std::vector<Target> targets_of(const Request& request, std::span<const Pass> passes) {
  std::vector<Target> targets = checking_request([&] { return resolve_targets(target_request(request)); });
  check_format(request, targets.front());
  if (targets.size() == 1) return targets;
  if (!is_for_all_targets(request.emit)) {
    if (depends_on_target(request.emit, passes))
      throw UsageError{
          fmt::format("--target-cpu={}: only a library, an object file or a trainer is for several CPUs; "
                      "name one",
                      request.target.cpu)};
    targets.resize(1);
  } else if (!request.dumps.print_after.empty() || !request.dumps.dump_dir.empty()) {
    throw UsageError{fmt::format("--target-cpu={}: --print-after and --dump-dir are for one CPU; name one",
                                 request.target.cpu)};
  }
  return targets;
}

std::vector<Variant> lower_variants(const Request& request, const Input& input, std::span<const Pass> passes,
                                    const std::vector<Target>& targets, Artifact& artifact) {
  const bool several = targets.size() > 1;
  Compilation common = input.compilation;
  std::span<const Pass> rest = passes;
  if (several) {
    const std::span<const Pass> first = common_passes(passes);
    take_reports(run_passes(common, first), {}, "", artifact);
    rest = passes.subspan(first.size());
  }
  std::vector<Variant> variants;
  for (const Target& target : targets) {
    Variant& variant = variants.emplace_back(Variant{target, for_target(common, target), input.values});
    Compilation& c = variant.compilation;
    if (request.memory_budget > 0)
      c.recompute = fit_budget(for_target(input.compilation, target), request.passes ? passes : pipeline(),
                               request.memory_budget);
    std::vector<PassReport> reports = run_passes(c, rest, request.dumps);
    take_reports(std::move(reports), c.remarks, several ? target.cpu : "", artifact);
    if (!c.program) continue;
    check_complete(request, c);
    if (!request.weights.empty() || is_static(request.emit)) embed(request, input, several, variant);
  }
  return variants;
}

}  // namespace rnc
