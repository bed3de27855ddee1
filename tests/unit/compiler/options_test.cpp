#include "compiler/options.h"

#include <doctest/doctest.h>

namespace rnc {
namespace {

Options parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "rnc");
  return *parse_options(static_cast<int>(arguments.size()), arguments.data());
}

std::string refused_options(const std::vector<const char*>& arguments) {
  try {
    parsed(arguments);
  } catch (const UsageError& error) {
    return error.message;
  }
  return "accepted";
}

constexpr const char* kKinds =
    "graph, weights, onnx, header, dot, summary, loops, memory, llvm, asm, obj, static, c-header, so, "
    "trainer";

}  // namespace

TEST_CASE("the kind of output follows from --emit, else from -o's extension, else it is a library") {
  CHECK(parsed({"dir/net.graph"}).request.emit == Emit::shared);
  CHECK(parsed({"dir/net.graph"}).output == "net.so");
  CHECK(parsed({"net.graph", "-o", "x.ll"}).request.emit == Emit::llvm);
  CHECK(parsed({"net.graph", "-o", "x.s"}).request.emit == Emit::assembly);
  CHECK(parsed({"net.graph", "-o", "x.o"}).request.emit == Emit::object);
  CHECK(parsed({"net.graph", "-o", "x.obj"}).request.emit == Emit::object);
  CHECK(parsed({"net.graph", "-o", "x.graph"}).request.emit == Emit::graph);
  CHECK(parsed({"net.graph", "-o", "x.dot"}).request.emit == Emit::dot);
  CHECK(parsed({"net.graph", "-o", "x.loops"}).request.emit == Emit::loops);
  CHECK(parsed({"net.graph", "-o", "x.so", "--emit=loops"}).request.emit == Emit::loops);
  CHECK(parsed({"net.graph", "--emit=trainer"}).output == "net");
  CHECK(parsed({"net.graph", "--emit=memory"}).output == "-");
  CHECK(parsed({"net.graph", "--emit", "obj"}).output == "net.o");
}

TEST_CASE("options reach their fields") {
  const Options options =
      parsed({"net.graph", "--set", "classes=10", "--set=width=0.5", "--optimizer=sgd", "-g",
              "--target-cpu=znver5", "--target-features=-fma", "--target-triple=aarch64-linux",
              "--passes=cse,dce", "--print-after=cse,dce", "--dump-dir=d", "--time-passes", "--stats"});
  CHECK(options.request.set == std::map<std::string, std::string>{{"classes", "10"}, {"width", "0.5"}});
  CHECK(options.request.optimizer == "sgd");
  CHECK(options.request.debug);
  CHECK(options.request.target.cpu == "znver5");
  CHECK(options.request.target.features == "-fma");
  CHECK(options.request.target.triple == "aarch64-linux");
  CHECK(options.request.passes == "cse,dce");
  CHECK(options.request.dumps.print_after == std::vector<std::string>{"cse", "dce"});
  CHECK(options.request.dumps.dump_dir == "d");
  CHECK(options.time_passes);
  CHECK(options.stats);
  CHECK(!parsed({"net.graph"}).request.passes);
  CHECK(parsed({"net.graph", "--passes="}).request.passes == "");
  CHECK(parsed({"--passes=", "net.graph"}).request.passes == "");
  CHECK(parsed({"--passes=", "net.graph"}).input == "net.graph");
  CHECK(parsed({"net.graph"}).request.target.cpu == "native");
  CHECK(parsed({"net.graph", "--target-cpu=znver5,x86-64"}).request.target.cpu == "znver5,x86-64");
  CHECK(parsed({"--target-cpu", "znver5", "net.graph", "--target-cpu", "x86-64"}).request.target.cpu ==
        "znver5,x86-64");
  CHECK(parsed({"--list-passes"}).list_passes);
  CHECK(parsed({"--ops"}).ops == "");
  CHECK(parsed({"--ops", "conv2d"}).ops == "conv2d");
  for (const char* option : {"--print-after=cse,dce", "--passes=cse", "--set=a=1", "--freeze=fc"}) {
    CAPTURE(option);
    CHECK(parsed({option, "net.graph"}).input == "net.graph");  // an option takes nothing that follows
  }
}

TEST_CASE("a command line that makes no sense is refused") {
  CHECK(refused_options({}) == "no input file; try rnc --help");
  CHECK(refused_options({"a.graph", "--emit=pdf"}) == std::string("--emit=pdf: not one of ") + kKinds);
  CHECK(refused_options({"a.graph", "-o", "a.pdf"}) ==
        std::string("cannot tell from the name a.pdf what to write: give --emit, one of ") + kKinds);
  CHECK(refused_options({"a.graph", "-o", "a"}) ==
        std::string("cannot tell from the name a what to write: give --emit, one of ") + kKinds);
  CHECK(refused_options({"a.graph", "--set", "x"}) == "--set x: must be NAME=VALUE");
  CHECK(refused_options({"a.graph", "--set", "=1"}) == "--set =1: must be NAME=VALUE");
  CHECK(refused_options({"a.graph", "--frobnicate"}) ==
        "The following argument was not expected: --frobnicate");
  CHECK(refused_options({"a.graph", "--emit=obj", "--link-name=a.b"}) ==
        "--link-name a.b: cannot be a name in C");
  CHECK(refused_options({"a.graph", "--link-name=a"}) ==
        "--link-name is for object files and their headers: --emit=obj and header, or static and c-header");
  CHECK(refused_options({"a.graph", "b.graph"}) == "The following argument was not expected: b.graph");
  CHECK(refused_options({RNC_SOURCE_DIR "/samples/resnet18.graph", "-o",
                         RNC_SOURCE_DIR "/samples/../samples/resnet18.graph"}) ==
        "the output " RNC_SOURCE_DIR "/samples/../samples/resnet18.graph is the input");
}

}  // namespace rnc
