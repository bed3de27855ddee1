#include "passes/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "ir/graph/verifier.h"
#include "ir/loops/text/text.h"
#include "ir/text/text.h"
#include "passes/lower/lower_to_loops.h"
#include "passes/passes.h"
#include "passes/report/stats.h"
#include "passes/schedule/plan_memory.h"
#include "passes/schedule/schedule_calls.h"

namespace rnc {
namespace {

// The passes on programs, over all entries.
using EntryPass = bool (*)(const loops::Program&, loops::EntryProgram&);

// Passes as the runner calls them.
template <ModulePass* pass>
bool as_ModulePass(Compilation& c) {
  return pass(c.module);
}
template <TargetPass* pass>
bool as_TargetPass(Compilation& c) {
  return pass(c.module, c.target);
}
template <RemarkingPass* pass>
bool as_RemarkingPass(Compilation& c) {
  return pass(c.module, c.target, &c.remarks);
}
template <CompilationPass* pass>
bool as_CompilationPass(Compilation& c) {
  return pass(c);
}

// Only those that are not given it.
constexpr bool kModulePassKnowsTarget = false;
constexpr bool kTargetPassKnowsTarget = true, kRemarkingPassKnowsTarget = true;
constexpr bool kCompilationPassKnowsTarget = true;

bool apply_to_entries(Compilation& c, std::string_view name, EntryPass pass) {
  if (!c.program) throw UserError({}, fmt::format("{} comes after lower_to_loops", name));
  bool changed = false;
  for (loops::EntryProgram& entry : c.program->entries) {
    changed |= pass(*c.program, entry);
  }
  return changed;
}

constexpr std::array kPipeline = {
#define RNC_PASS(name, kind, stage, why) \
  Pass{#name, as_##kind<name>, why, Stage::stage, k##kind##KnowsTarget},
#include "passes/passes.def"
#undef RNC_PASS
};

// Runs the pass; whether it changed anything.
bool apply(const Pass& pass, Compilation& c) {
  try {
    return pass.run(c);
  } catch (const loops::BrokenRule& broken) {
    unreachable(broken.what());
  }
}

// What the compilation holds, as text: the program, once there is one, else the module.
std::string text_of(const Compilation& c) {
  return c.program ? loops::print(c.module, {}, *c.program) : print(c.module);
}

void write_dump(const Compilation& c, const std::string& directory, size_t number, std::string_view name) {
  const std::string file_name = fmt::format("{:02}-{}.{}", number, name, c.program ? "loops" : "graph");
  const std::filesystem::path path = std::filesystem::path(directory) / file_name;
  std::error_code ignored;  // what matters is whether the file can be written
  std::filesystem::create_directories(directory, ignored);
  std::ofstream file(path, std::ios::binary);
  file << text_of(c);
  file.close();
  if (!file) throw UserError({}, fmt::format("cannot write {}", path.string()));
}

// Prints and writes what a pass made, as the options say. Number 0 is the module before all passes.
void dump(const Compilation& c, const PipelineOptions& options, size_t number, std::string_view name) {
  const auto wanted = [&](std::string_view which) {
    return std::ranges::count(options.print_after, which) > 0;
  };
  if (number > 0 && (wanted("all") || wanted(name))) {
    std::fputs(fmt::format("# after {}\n{}\n", name, text_of(c)).c_str(), options.output);
  }
  if (!options.dump_dir.empty()) write_dump(c, options.dump_dir, number, name);
}

void verify(const Compilation& c) {
  verify(c.module);
  if (c.program) loops::verify(*c.program);
}

void check_known(const std::vector<std::string>& names, std::span<const Pass> passes) {
  for (const std::string& name : names) {
    const auto is_named = [&](const Pass& pass) { return pass.name == name; };
    if (name != "all" && std::none_of(passes.begin(), passes.end(), is_named)) {
      throw UserError({}, fmt::format("--print-after: pass {} is not run", name));
    }
  }
}

}  // namespace

bool lower_to_loops(Compilation& c) {
  if (c.program) return false;
  check_lowerable(c.module, c.target);
  c.program = lower_to_loops(c.module, c.target);
  return true;
}

bool schedule_calls(Compilation& c) { return apply_to_entries(c, "schedule_calls", schedule_calls); }

bool plan_memory(Compilation& c) {
  return apply_to_entries(
      c, "plan_memory", [](const loops::Program&, loops::EntryProgram& entry) { return plan_memory(entry); });
}

std::span<const Pass> pipeline() { return kPipeline; }

std::vector<Pass> passes_by_name(std::string_view names) {
  std::vector<Pass> result;
  while (!names.empty()) {
    const size_t comma = names.find(',');
    std::string name(names.substr(0, comma));
    std::ranges::replace(name, '-', '_');
    const auto pass =
        std::find_if(kPipeline.begin(), kPipeline.end(), [&](const Pass& p) { return p.name == name; });
    if (pass == kPipeline.end()) {
      throw UserError({}, fmt::format("there is no pass \"{}\"; --list-passes lists them", name));
    }
    result.push_back(*pass);
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  return result;
}

std::string list_passes() {
  std::string text;
  for (const Pass& pass : kPipeline) text += fmt::format("{:22}{}\n", pass.name, pass.why);
  return text;
}

std::vector<PassReport> run_passes(Compilation& compilation, std::span<const Pass> passes,
                                   const PipelineOptions& options) {
  check_known(options.print_after, passes);
  verify(compilation);
  dump(compilation, options, 0, "input");
  const Compilation input = compilation;
  std::vector<PassReport> reports;
  Counts counts = count(compilation);
  for (const Pass& pass : passes) {
    const FailureNote note([&] {
      Compilation before = input;
      for (size_t i = 0; i < reports.size(); ++i) apply(passes[i], before);
      return fmt::format("In pass {}. Before it:\n{}", pass.name, text_of(before));
    });
    const auto start = std::chrono::steady_clock::now();
    const bool changed = apply(pass, compilation);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    if (changed) verify(compilation);
    Counts counts_now = changed ? count(compilation) : counts;
    reports.push_back({std::string(pass.name), changed, time.count(), describe_changes(counts, counts_now)});
    counts = std::move(counts_now);
    dump(compilation, options, reports.size(), pass.name);
  }
  return reports;
}

std::string time_table(std::span<const PassReport> reports) {
  std::string text = "      ms  pass\n";
  double total = 0;
  for (const PassReport& report : reports) {
    text += fmt::format("{:8.2f}  {}\n", report.milliseconds, report.pass);
    total += report.milliseconds;
  }
  return text + fmt::format("{:8.2f}  all passes\n", total);
}

std::string stats_table(std::span<const PassReport> reports) {
  std::string text;
  for (const PassReport& report : reports) {
    if (!report.changed) {
      text += fmt::format("{}: nothing to do\n", report.pass);
    } else if (report.what.empty()) {
      text += fmt::format("{}: the same counts in other places\n", report.pass);
    } else {
      text += fmt::format("{}:\n{}", report.pass, report.what);
    }
  }
  return text;
}

}  // namespace rnc
