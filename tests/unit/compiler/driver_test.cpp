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
      {"loops", "entry "},
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

}  // namespace rnc
