// Runs golden tests. One .graph file is one test: a model, a line of four dashes, and the expected text.
//
//   # Comments say what the test is about; these among them say what to do:
//   # passes: fold_batch_norm, dce     run on the model, in this order; none: the model as it is
//   # emit: graph                      what to compare: graph (the default), summary, dot, stats, loops or memory
//   # entries: infer, prepare          print these entries only; of loops, those without kernels
//   # set: classes=10                  as --set; may be repeated
//   # optimizer: adam()                as --optimizer
//   # locations: yes                   print source locations as well
//   # lanes: 16                        vector lanes of the target
//   # dot_pairs: yes                   the target multiplies pairs of bf16
//   # precision: bf16                  as rnc --precision takes it
//   # recompute: 2, 64                 the limits: kernels, cost
//   model ...
//   ----
//   the dump, or the diagnostic where the model is refused
//
// Each test also checks that every dump on the way parses back to the same module, or the same program, and that
// no pass but schedule_calls changes anything when run twice. With --bless, the expected texts are rewritten as they come out.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "ir/graph/verifier.h"
#include "ir/loops/text/text.h"
#include "ir/text/text.h"
#include "passes/pipeline.h"
#include "passes/report/dot.h"
#include "passes/report/summary.h"
#include "passes/schedule/plan_memory.h"

using namespace rnc;

namespace {

constexpr std::string_view kSeparator = "\n----\n";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(fmt::format("cannot read {}", path.string()));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> items;
  std::istringstream stream(list);
  for (std::string item; std::getline(stream, item, ',');) items.push_back(trimmed(item));
  return items;
}

// The values of the comment lines "# key: value".
std::vector<std::string> settings(const std::string& text, const std::string& key) {
  std::vector<std::string> values;
  std::istringstream stream(text);
  const std::string start = "# " + key + ":";
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(start)) values.push_back(trimmed(std::string_view(line).substr(start.size())));
  }
  return values;
}

std::string setting(const std::string& text, const std::string& key, const std::string& otherwise) {
  const std::vector<std::string> values = settings(text, key);
  return values.empty() ? otherwise : values.back();
}

Module parse_text(const std::string& text, const std::string& name, const ElaborateOptions& options = {}) {
  return parse(std::make_shared<SourceFile>(SourceFile{name, text}), options);
}

// A property that holds in every test.
void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

void require_round_trip(const Module& module, std::string_view when) {
  const std::string text = print(module);
  require(equal(parse_text(text, "dump"), module),
          fmt::format("{}, parsing the dump does not give the same module:\n{}", when, text));
}

void require_round_trip(const Compilation& c, std::string_view when) {
  require_round_trip(c.module, when);
  if (!c.program) return;
  const std::string text = loops::print(c.module, {}, *c.program);
  const loops::Listing again = loops::parse_listing(std::make_shared<SourceFile>(SourceFile{"dump", text}));
  const bool same =
      loops::equal(again.program, *c.program) && loops::print(*again.module, {}, again.program) == text;
  require(same, fmt::format("{}, parsing the dump does not give the same program:\n{}", when, text));
}

std::vector<PassReport> run(Compilation& c, const std::vector<Pass>& passes) {
  std::vector<PassReport> reports;
  require_round_trip(c, "before all passes");
  for (const Pass& pass : passes) {
    reports.push_back(run_passes(c, {&pass, 1}).front());
    require_round_trip(c, fmt::format("after {}", pass.name));
    // It may exchange calls that can stand in either order, each time.
    if (pass.name == "schedule_calls") continue;
    Compilation again = c;
    const bool changed = run_passes(again, {&pass, 1}).front().changed;
    const bool same_program = !c.program || loops::equal(*again.program, *c.program);
    require(!changed && equal(again.module, c.module) && same_program,
            fmt::format("{} changes its own result", pass.name));
  }
  return reports;
}

std::string emitted_program(const loops::Program& program, const std::string& kind,
                            const std::vector<std::string>& entries) {
  std::string text = entries.empty() && kind == "loops" ? loops::print(program) : "";
  for (const loops::EntryProgram& entry : program.entries) {
    if (!entries.empty() && !std::ranges::count(entries, entry.name)) continue;
    if (kind == "memory") text += memory_report(entry) + "\n";
    if (kind == "loops" && !entries.empty()) text += loops::print(program, entry) + "\n";
  }
  return text;
}

std::string emitted(const std::string& text, Compilation& c, const std::vector<PassReport>& reports) {
  const std::string kind = setting(text, "emit", "graph");
  if (kind == "stats") return stats_table(reports);
  if (kind == "summary") return summary(c.module);
  if (kind == "dot") return dot(c.module);
  const std::vector<std::string> entries = split(setting(text, "entries", ""));
  if (kind == "loops" || kind == "memory") {
    require(c.program.has_value(), "emit: loops and memory come after lower_to_loops");
    return emitted_program(*c.program, kind, entries);
  }
  require(kind == "graph", "emit: must be graph, summary, dot, stats, loops or memory");
  if (!entries.empty()) {
    std::erase_if(c.module.entries,
                  [&](const Graph& graph) { return !std::ranges::count(entries, graph.name); });
  }
  return print(c.module, {.locations = setting(text, "locations", "no") == "yes"});
}

// What comes of the model: the dump or the diagnostic.
std::string result_of(const std::string& text, const std::string& name) {
  try {
    ElaborateOptions options;
    for (const std::string& set : settings(text, "set")) {
      options.set[set.substr(0, set.find('='))] = set.substr(set.find('=') + 1);
    }
    options.optimizer = setting(text, "optimizer", "");
    std::string passes;
    for (const std::string& pass : split(setting(text, "passes", ""))) {
      passes += (passes.empty() ? "" : ",") + pass;
    }
    Compilation c{.module = parse_text(text, name, options)};
    verify(c.module);
    c.target.vector_bytes = 4 * std::stoi(setting(text, "lanes", "16"));
    c.target.dot_pairs = setting(text, "dot_pairs", "no") == "yes";
    if (const std::string precision = setting(text, "precision", ""); !precision.empty())
      c.target.precision = parse_precision_rules(precision);
    if (const std::string limits = setting(text, "recompute", ""); !limits.empty())
      c.recompute = {std::stoi(split(limits).at(0)), std::stoi(split(limits).at(1)), 0};
    const std::vector<PassReport> reports = run(c, passes_by_name(passes));
    return emitted(text, c, reports);
  } catch (const UserError& error) {
    return error.render();
  }
}

// Prints the first line that differs, and the whole of what came out.
void report(const std::filesystem::path& path, const std::string& expected, const std::string& actual) {
  std::istringstream wanted(expected), got(actual);
  std::string wanted_line, got_line;
  int line = 0;
  bool more = true;
  do {
    ++line;
    const bool has_wanted = static_cast<bool>(std::getline(wanted, wanted_line));
    const bool has_got = static_cast<bool>(std::getline(got, got_line));
    if (!has_wanted) wanted_line = "(end)";
    if (!has_got) got_line = "(end)";
    more = has_wanted && has_got;
  } while (more && wanted_line == got_line);
  fmt::print("{}: line {} of the result differs\n  expected: {}\n  came out: {}\n\nAll of it:\n{}\n",
             path.string(), line, wanted_line, got_line, actual);
}

bool run_test(const std::filesystem::path& path, bool bless, const std::string& program) {
  const std::string text = read_file(path);
  const size_t separator = text.find(kSeparator);
  const std::string input = separator == std::string::npos ? text : text.substr(0, separator + 1);
  const std::string expected =
      separator == std::string::npos ? "" : text.substr(separator + kSeparator.size());
  const std::string actual = result_of(input, path.filename().string());
  if (actual == expected) return true;
  if (bless) {
    std::ofstream(path, std::ios::binary) << input << kSeparator.substr(1) << actual;
    fmt::print("{}: rewritten\n", path.string());
    return true;
  }
  report(path, expected, actual);
  fmt::print("If that is right:\n  '{}' --bless '{}'\n", program, path.string());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  bool bless = false, passed = true;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--bless") {
      bless = true;
      continue;
    }
    try {
      const std::filesystem::path path = std::filesystem::absolute(argv[i]);
      std::filesystem::current_path(path.parent_path());  // where includes are found
      passed &= run_test(path, bless, std::filesystem::canonical("/proc/self/exe").string());
    } catch (const std::exception& error) {
      fmt::print("{}: {}\n", argv[i], error.what());
      passed = false;
    }
  }
  return passed ? 0 : 1;
}
