#include "compiler/driver.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "compiler/output.h"
#include "ir/graph/diagnostics.h"

namespace rnc {
namespace {

// A directory with a model in it that goes away with it; names in it are given relative to it.
class Directory {
 public:
  Directory() {
    std::string path = (std::filesystem::temp_directory_path() / "rnc-driver-XXXXXX").string();
    REQUIRE(mkdtemp(path.data()) != nullptr);
    path_ = path;
    write_file(*this / "net.graph",
               "model net(x: f32[N, 4], label: i32[N]) {\n"
               "  fc = linear(x, 3)\n"
               "  predict fc\n"
               "  loss cross_entropy(fc, label)\n"
               "  train sgd()\n"
               "}\n");
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(path_))
      names.push_back(file.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::filesystem::path path_;
};

struct Outcome {
  int status;
  std::string errors;
};

// Runs the driver with standard error caught.
Outcome rnc(const Directory& directory, std::vector<std::string> arguments) {
  const std::string file = directory / "stderr";
  std::fflush(stderr);
  const int saved = dup(STDERR_FILENO);
  const int caught = open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  dup2(caught, STDERR_FILENO);
  close(caught);
  arguments.insert(arguments.begin(), "rnc");
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  const int status = run_driver(static_cast<int>(pointers.size()), pointers.data());
  std::fflush(stderr);
  dup2(saved, STDERR_FILENO);
  close(saved);
  const std::string errors = read_file(file);
  std::filesystem::remove(file);
  return {status, errors};
}

}  // namespace

TEST_CASE("each kind of output is written, and starts as it should") {
  const Directory d;
  const std::pair<const char*, const char*> kinds[] = {
      {"graph", "model net "},
      {"dot", "digraph"},
      {"loops", "loops\n\nmodel net "},
      {"llvm", "; ModuleID"},
      {"asm", "\t."},
      {"obj",
       "\x7f"
       "ELF"},
      {"so",
       "\x7f"
       "ELF"},
  };
  for (const auto& [kind, start] : kinds) {
    CAPTURE(kind);
    const Outcome outcome =
        rnc(d, {d / "net.graph", "-o", d / "out", std::string("--emit=") + kind, "--target-cpu=x86-64"});
    CHECK(outcome.status == 0);
    CHECK(outcome.errors.empty());
    const std::string bytes = read_file(d / "out");
    CHECK_MESSAGE(bytes.starts_with(start), bytes.substr(0, 20));
    // The first lines: LLVM 19 begins with .text, LLVM 22 with .file.
    if (kind == std::string("asm")) CHECK(bytes.substr(0, 200).find("\t.text\n") != std::string::npos);
  }
  for (const std::string kind : {"summary", "memory"}) {
    CHECK(rnc(d, {d / "net.graph", "-o", d / "out", "--emit=" + kind}).status == 0);
    CHECK(read_file(d / "out").find(kind == "summary" ? "linear" : "infer") != std::string::npos);
  }
  CHECK(d.files() == std::vector<std::string>{"net.graph", "out"});
}

TEST_CASE("a dump after any pass compiles to the same code") {
  const Directory d;
  const std::string cpu = "--target-cpu=x86-64-v3";
  REQUIRE(rnc(d, {d / "net.graph", "-o", d / "direct.s", cpu, "--dump-dir", d / "dumps"}).status == 0);
  int count = 0;
  for (const auto& dump : std::filesystem::directory_iterator(d / "dumps")) {
    if (dump.path().extension() != ".graph") continue;
    CAPTURE(dump.path());
    REQUIRE(rnc(d, {dump.path(), "-o", d / "again.s", cpu}).status == 0);
    // All functions; behind them are the layers, which are those of the graph as given.
    const std::string direct = read_file(d / "direct.s"), again = read_file(d / "again.s");
    REQUIRE(direct.rfind("\tretq") != std::string::npos);
    CHECK(direct.substr(0, direct.rfind("\tretq")) == again.substr(0, again.rfind("\tretq")));
    CHECK(read_file(dump.path()).find("\n  hash \"") != std::string::npos);
    ++count;
  }
  CHECK(count > 5);
}

TEST_CASE("loop IR compiles to the same library, and edited to another") {
  const Directory d;
  const std::string cpu = "--target-cpu=x86-64-v3", net = d / "net.graph", loops = d / "net.loops";
  REQUIRE(rnc(d, {net, "-o", d / "direct.so", cpu}).status == 0);
  REQUIRE(rnc(d, {net, "-o", loops, cpu}).status == 0);
  REQUIRE(rnc(d, {loops, "-o", d / "again.so", cpu}).status == 0);
  CHECK(read_file(d / "direct.so") == read_file(d / "again.so"));
  REQUIRE(rnc(d, {loops, "-o", d / "again.loops", cpu}).status == 0);
  CHECK(read_file(loops) == read_file(d / "again.loops"));

  // Known by its first word as well; -g gives its own lines.
  std::filesystem::copy(loops, d / "renamed");
  CHECK(rnc(d, {d / "renamed", "--emit=asm", "-g", "-o", d / "net.s", cpu}).status == 0);
  CHECK(read_file(d / "net.s").find("\"renamed\"") != std::string::npos);

  std::string text = read_file(loops);
  const std::string zeros = "= f32x8(0)";
  REQUIRE(text.find(zeros) != std::string::npos);
  write_file(loops, text.replace(text.find(zeros), zeros.size(), "= f32x8(1)"));
  REQUIRE(rnc(d, {loops, "-o", d / "edited.so", cpu}).status == 0);
  CHECK(read_file(d / "direct.so") != read_file(d / "edited.so"));
}

TEST_CASE("loop IR before its memory is planned") {
  const Directory d;
  const std::string cpu = "--target-cpu=x86-64-v3", net = d / "net.graph";
  REQUIRE(rnc(d, {net, "-o", d / "direct.loops", cpu, "--dump-dir", d / "dumps"}).status == 0);
  std::string lowered;
  for (const auto& dump : std::filesystem::directory_iterator(d / "dumps")) {
    if (dump.path().filename().string().ends_with("lower_to_loops.loops")) lowered = dump.path();
  }
  REQUIRE(!lowered.empty());
  CHECK(rnc(d, {lowered, "-o", d / "net.o", cpu}).errors ==
        "error: entry loss: its memory is not planned; --passes=plan_memory does that\n");
  REQUIRE(rnc(d, {lowered, "-o", d / "planned.s", cpu, "--passes=schedule_calls,plan_memory"}).status == 0);
  REQUIRE(rnc(d, {d / "direct.loops", "-o", d / "direct.s", cpu}).status == 0);
  const std::string direct = read_file(d / "direct.s"), planned = read_file(d / "planned.s");
  CHECK(direct.substr(0, direct.rfind("\tretq")) == planned.substr(0, planned.rfind("\tretq")));
}

TEST_CASE("what loop IR cannot give is refused") {
  const Directory d;
  const std::string file = d / "k.loops";
  write_file(file, "kernel k(\n    update x : f32[8])\n    tasks 1 vector 32 {\n  x[0:+8] = f32x8(1)\n}\n");
  const auto errors = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), file);
    arguments.push_back("--target-cpu=x86-64-v3");
    const Outcome outcome = rnc(d, arguments);
    CHECK(outcome.status != 0);
    return outcome.errors;
  };
  CHECK(rnc(d, {file, "--emit=obj", "-o", d / "k.o"}).status == 0);
  CHECK(rnc(d, {file, "--emit=llvm", "-o", d / "k.ll"}).status == 0);
  CHECK(read_file(d / "k.ll").find("define hidden void @k(") != std::string::npos);
  CHECK(errors({"-o", d / "k.so"}) ==
        "error: a library needs the model and its entries, and there are none; --emit=asm, "
        "obj and llvm do without\n");
  CHECK(errors({"--emit=graph"}) ==
        "rnc: error: --emit=graph, onnx, dot or summary needs a graph; the input is loop IR\n");
  CHECK(errors({"--emit=asm", "--set", "a=1"}) == "rnc: error: --set needs a graph; the input is loop IR\n");
  CHECK(errors({"--emit=asm", "--passes=simplify"}) ==
        "rnc: error: pass simplify works on graphs; the input is loop IR\n");
  CHECK(errors({"--emit=asm", "--conv", "direct"}) ==
        "rnc: error: --conv needs a graph; the input is loop IR\n");
  write_file(file, "kernel k(\n    update x : f32[8])\n    tasks 1 vector 32 {\n  x[8] = f32(1)\n}\n");
  CHECK(errors({"--emit=asm", "-o", d / "k.s"}) ==
        file + ":4:3: error: kernel k: x is not bounded: index 8 of dimension 0\n  x[8] = f32(1)\n  ^\n");
}

TEST_CASE("mistakes are said and leave no file behind") {
  const Directory d;
  const std::string net = d / "net.graph";
  Outcome outcome = rnc(d, {d / "none.graph", "-o", d / "x.so"});
  CHECK(outcome.status == 1);
  CHECK(outcome.errors == "error: cannot read '" + (d / "none.graph") + "': No such file or directory\n");

  write_file(d / "bad.graph", "model bad(x: f32[N, 4]) {\n  fc = linaer(x, 3)\n  predict fc\n}\n");
  outcome = rnc(d, {d / "bad.graph", "-o", d / "x.so"});
  CHECK(outcome.status == 1);
  CHECK(outcome.errors.starts_with((d / "bad.graph") + ":2:8: error: "));
  std::filesystem::remove(d / "bad.graph");

  outcome = rnc(d, {net, "-o", d / "no/such/x.so"});
  CHECK(outcome.status == 1);
  CHECK(outcome.errors == "error: cannot write " + (d / "no/such/x.so") + ": No such file or directory\n");

  outcome = rnc(d, {net, "--what"});
  CHECK(outcome.status == 2);
  CHECK(outcome.errors == "rnc: error: The following argument was not expected: --what\n");

  outcome = rnc(d, {net, "-o", d / "x.so", "--target-cpu=z80"});
  CHECK(outcome.status == 2);
  CHECK(outcome.errors.starts_with("rnc: error: unknown target CPU 'z80' for "));

  outcome = rnc(d, {net, "-o", d / "x.so", "--passes=nope"});
  CHECK(outcome.status == 2);
  CHECK(outcome.errors == "rnc: error: there is no pass \"nope\"; --list-passes lists them\n");

  outcome = rnc(d, {net, "-o", d / "x.so", "--passes=cse"});
  CHECK(outcome.status == 1);
  CHECK(outcome.errors == "error: the passes given with --passes do not end in a lowered program\n");
  CHECK(d.files() == std::vector<std::string>{"net.graph"});
}

TEST_CASE("an output that cannot be completed leaves the old one as it was") {
  const Directory d;
  write_file(d / "x", "old");
  CHECK_THROWS_AS(write_file("/dev/full", "new"), const UserError&);
  std::filesystem::create_directory(d / "dir");
  CHECK_THROWS_WITH(write_file(d / "dir", "new"),
                    ("cannot write " + (d / "dir") + ": Is a directory").c_str());
  write_file(d / "x", "new");
  CHECK(read_file(d / "x") == "new");
  write_file(d / "program", "x", true);
  CHECK((std::filesystem::status(d / "program").permissions() & std::filesystem::perms::owner_exec) !=
        std::filesystem::perms::none);
  CHECK(d.files() == std::vector<std::string>{"dir", "net.graph", "program", "x"});
}

TEST_CASE("no library is made of a program whose memory is not planned, or that has no entries") {
  const Directory d;
  const auto errors = [&](const std::string& passes) {
    const Outcome outcome = rnc(d, {d / "net.graph", "--passes=" + passes, "-o", d / "net.so"});
    CHECK(outcome.status == 1);
    CHECK(d.files() == std::vector<std::string>{"net.graph"});
    return outcome.errors;
  };
  CHECK(errors("derive_entries,decompose_linear,choose_layout,fuse,lower_to_loops") ==
        "error: entry infer: its memory is not planned; --passes=plan_memory does that\n");
  CHECK(errors("lower_to_loops,plan_memory") ==
        "error: a library needs the model and its entries, and there are none; --emit=asm, obj and llvm do "
        "without\n");
  const std::string budget = d / "budget.txt";
  CHECK(rnc(d, {d / "net.graph", "--memory-budget=1G", "--emit=summary", "-o", budget}).status == 0);
}

}  // namespace rnc
