#include "passes/pipeline.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "ir/loops/text/text.h"
#include "ir/text/text.h"
#include "passes/passes.h"
#include "tests/support/evaluate.h"
#include "tests/support/random_graph.h"

using namespace rnc;
using namespace rnc::test;

namespace {

constexpr int64_t kSamples = 3;
// Values near zero are compared with this size: what exact arithmetic makes zero comes out as rounding noise.
constexpr double kFloor = 1e-3;

// The passes on graphs, which leave a module the interpreter can run.
std::vector<Pass> graph_passes() {
  std::vector<Pass> passes;
  for (const Pass& pass : pipeline()) {
    if (pass.name == "lower_to_loops") break;
    passes.push_back(pass);
  }
  return passes;
}

Module parse_text(const std::string& text) {
  return parse(std::make_shared<SourceFile>(SourceFile{"dump.graph", text}));
}

// All outputs and assigns of the entries a caller runs, prefixed with the entry's name.
Tensors evaluate_all(const Module& module, uint64_t seed) {
  Tensors all;
  for (const Graph& graph : module.entries) {
    if (graph.name == "prepare" || graph.name == "train") continue;
    const Tensors inputs = random_inputs(module, graph, kSamples, seed);
    for (auto& [name, data] : evaluate(module, graph.name, kSamples, inputs, random_tensors(module, seed))) {
      all[graph.name + " " + name] = data;
    }
  }
  return all;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct TemporaryDirectory {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("rnc_pipeline_test." + std::to_string(getpid()));
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
};

}  // namespace

namespace {

// Two of the samples' residual blocks, small: the first changes the shape, the second does not.
Module block_module(const std::string& block) {
  const std::string text =
      "include \"samples/blocks.graph\"\n"
      "model blocks(image: u8[N, 3, 6, 6], label: i32[N]) {\n"
      "  x = normalize(image, mean = [0.5, 0.4, 0.3], std = [0.2, 0.3, 0.2])\n"
      "  layer1 = repeat(" +
      block +
      ", x, 4, count = 2, stride = 2)\n"
      "  fc = linear(flatten(global_avg_pool(layer1)), 5)\n"
      "  predict fc\n"
      "  loss cross_entropy(fc, label, label_smoothing = 0.1)\n"
      "  train adam()\n"
      "}\n";
  return parse(std::make_shared<SourceFile>(SourceFile{RNC_SOURCE_DIR "/blocks_test.graph", text}));
}

// Runs the graph passes one by one and checks after each that every entry computes what it did, that the pass says
// whether it changed the module, has nothing to do a second time, and that the dump parses back.
void check_passes(Module module, uint64_t seed) {
  Compilation c{.module = std::move(module)};
  Tensors expected;
  for (const Pass& pass : graph_passes()) {
    CAPTURE(pass.name);
    const Module before = c.module;
    const bool changed = run_passes(c, {&pass, 1}).front().changed;
    if (!changed) CHECK(equal(before, c.module));  // it is not verified again
    CHECK(equal(parse_text(print(c.module)), c.module));
    Compilation again = c;
    CHECK_FALSE(run_passes(again, {&pass, 1}).front().changed);
    CHECK(equal(again.module, c.module));
    const Tensors values = evaluate_all(c.module, seed);
    // the entries that these passes make are the definition of what follows
    if (pass.name == "derive_entries" || pass.name == "differentiate") expected.merge(Tensors(values));
    std::string worst;
    const double error = relative_error(values, expected, &worst, kFloor);
    CAPTURE(worst);
    CHECK(error < 1e-10);
  }
}

}  // namespace

TEST_CASE("no pass changes what any entry computes: random networks") {
  for (uint64_t seed = 100; seed < 125; ++seed) {
    CAPTURE(seed);
    check_passes(random_module(seed), seed);
  }
}

TEST_CASE("no pass changes what any entry computes: the samples' blocks") {
  check_passes(block_module("basic"), 1);
  check_passes(block_module("bottleneck"), 2);
}

TEST_CASE("the pipeline run on a dump taken after any pass gives the same program") {
  const std::vector<Pass> passes = graph_passes();
  for (uint64_t seed = 200; seed < 208; ++seed) {
    CAPTURE(seed);
    Compilation c{.module = random_module(seed)};
    std::vector<std::string> dumps = {print(c.module)};
    for (const Pass& pass : passes) {
      run_passes(c, {&pass, 1});
      dumps.push_back(print(c.module));
    }
    for (size_t i = 0; i < dumps.size(); ++i) {
      CAPTURE(i);
      Compilation from_dump{.module = parse_text(dumps[i])};
      run_passes(from_dump, passes);
      const bool same =
          print(from_dump.module, {.locations = false}) == print(c.module, {.locations = false});
      CHECK(same);
    }
  }
}

TEST_CASE("passes are found by name, in the order given") {
  const std::vector<Pass> passes = passes_by_name("dce,simplify,dce");
  REQUIRE(passes.size() == 3);
  CHECK(passes[0].name == "dce");
  CHECK(passes[1].name == "simplify");
  CHECK(passes_by_name("").empty());
  CHECK_THROWS_WITH_AS(passes_by_name("dce,nope"), "there is no pass \"nope\"; --list-passes lists them",
                       UserError);
  CHECK(list_passes().find("\nsimplify  ") != std::string::npos);
}

TEST_CASE("dumps after passes: printed where asked for, and one file per pass") {
  const TemporaryDirectory directory;
  Compilation c{.module = random_module(1)};
  const std::string input = print(c.module);
  PipelineOptions options;
  options.dump_dir = directory.path / "inner";
  options.print_after = {"dce"};
  options.output = std::tmpfile();
  REQUIRE(options.output != nullptr);
  run_passes(c, passes_by_name("simplify,dce"), options);
  std::rewind(options.output);
  std::string printed(1 << 20, '\0');
  printed.resize(std::fread(printed.data(), 1, printed.size(), options.output));
  std::fclose(options.output);
  CHECK(printed == "# after dce\n" + print(c.module) + "\n");
  CHECK(read(directory.path / "inner" / "00-input.graph") == input);
  CHECK(read(directory.path / "inner" / "02-dce.graph") == print(c.module));
  CHECK(std::filesystem::exists(directory.path / "inner" / "01-simplify.graph"));
}

TEST_CASE("after lowering, dumps are of the program") {
  const TemporaryDirectory directory;
  Compilation c{.module = random_module(2)};
  run_passes(c, pipeline(), {.dump_dir = directory.path});
  REQUIRE(c.program);
  const std::string last = fmt::format("{:02}-plan_memory.loops", pipeline().size());
  CHECK(read(directory.path / last) == loops::print(c.module, {}, *c.program));
  CHECK(loops::print(*c.program).starts_with("entry prepare {\n"));
}

TEST_CASE("passes on programs need a program") {
  Compilation c{.module = random_module(2)};
  CHECK_THROWS_WITH_AS(run_passes(c, passes_by_name("plan_memory")), "plan_memory comes after lower_to_loops",
                       UserError);
  CHECK_THROWS_WITH_AS(run_passes(c, passes_by_name("schedule_calls")),
                       "schedule_calls comes after lower_to_loops", UserError);
}

TEST_CASE("a failed check names the pass and shows what it was given") {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path);
  const std::filesystem::path log = directory.path / "stderr";
  Compilation c{.module = random_module(2)};
  const std::string before = print(c.module);
  const pid_t child = fork();
  if (child == 0) {
    const bool redirected = dup2(open(log.c_str(), O_CREAT | O_WRONLY, 0600), STDERR_FILENO) >= 0;
    std::signal(SIGABRT, SIG_DFL);
    const Pass broken{
        "broken", [](Compilation& b) { return b.module.entries[0].nodes.back().inputs[0] = 100000, true; },
        ""};
    if (redirected) run_passes(c, {&broken, 1});
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  const std::string message = read(log);
  CAPTURE(message.substr(0, 400));
  CHECK(message.find("internal error: ") != std::string::npos);
  CHECK(message.find("This is a bug in rnc.\nIn pass broken. Before it:\n" + before) != std::string::npos);
}

TEST_CASE("dumps: what cannot be done is an error") {
  const TemporaryDirectory directory;
  Compilation c{.module = random_module(1)};
  PipelineOptions options;
  options.print_after = {"cse"};
  CHECK_THROWS_WITH_AS(run_passes(c, passes_by_name("dce"), options), "--print-after: pass cse is not run",
                       UserError);
  std::filesystem::create_directories(directory.path);
  std::ofstream(directory.path / "file") << "in the way";
  options = {.dump_dir = directory.path / "file"};
  const std::string message = "cannot write " + (directory.path / "file" / "00-input.graph").string();
  CHECK_THROWS_WITH_AS(run_passes(c, passes_by_name("dce"), options), message.c_str(), UserError);
}

TEST_CASE("times and counts of passes") {
  Compilation c{.module = random_module(1)};
  const std::vector<PassReport> reports = run_passes(c, passes_by_name("derive_entries,derive_entries"));
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].changed);
  CHECK_FALSE(reports[1].changed);
  const std::string stats = stats_table(reports);
  CHECK(stats.starts_with("derive_entries:\n"));
  CHECK(stats.ends_with("derive_entries: nothing to do\n"));
  const std::string times = time_table(reports);
  CHECK(times.starts_with("      ms  pass\n"));
  CHECK(times.find("  derive_entries\n") != std::string::npos);
  CHECK(times.ends_with("  all passes\n"));
}

TEST_CASE("a label is ignored where all losses that read it ignore it") {
  const auto ignored = [](const std::string& losses) {
    Compilation c{
        .module = parse_text("model m(x: f32[N, 5], y: f32[N, 4], label: i32[N]) {\n  predict x\n  loss " +
                             losses + "\n}\n"),
        .target = {64, 32, true},
        .program = {},
        .recompute = {}};
    run_passes(c, pipeline());
    const auto entry = std::ranges::find(c.program->entries, "loss", &loops::EntryProgram::name);
    REQUIRE(entry != c.program->entries.end());
    const auto label = entry->ignored_labels.find("label");
    return label == entry->ignored_labels.end() ? kNoLabel : label->second;
  };
  const std::string ignores = "cross_entropy(x, label, ignore_index = 255)";
  CHECK(ignored(ignores) == 255);
  CHECK(ignored(ignores + " + cross_entropy(y, label, ignore_index = 255)") == 255);
  CHECK(ignored(ignores + " + cross_entropy(y, label, ignore_index = 9)") == kNoLabel);
  CHECK(ignored(ignores + " + cross_entropy(y, label)") == kNoLabel);
  CHECK(ignored("cross_entropy(y, label) + " + ignores) == kNoLabel);
  CHECK(ignored("cross_entropy(y, label, label_smoothing = 0.1) + " + ignores + " + " + ignores) == kNoLabel);
}
