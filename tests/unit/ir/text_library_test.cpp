// Mistakes in calls of std.graph's blocks, and what calls leave to be found out: sizes of reshape, pads in words.
#include <regex>

#include "text_support.h"

namespace rnc {
namespace {

using Sizes = std::vector<int64_t>;

Sizes attribute_of(const std::string& call, const std::string& attribute) {
  const Module module = parse_text(spec("\n  y = " + call + "\n  predict y"));
  return node(module, "y").attributes.get<Sizes>(attribute);
}

std::string error_of_call(const std::string& call) {
  const std::string error = error_of(spec("\n  y = " + call + "\n  predict y"));
  return error.substr(0, error.find('\n'));
}

// Wherever the line stands in std.graph.
std::string error_in_library(const std::string& text) {
  return std::regex_replace(error_of(text), std::regex("std.graph:[0-9]+:[0-9]+"), "std.graph:LINE");
}

}  // namespace

TEST_CASE("a mistake in a call of a library block is shown there") {
  CHECK(error_in_library(spec(R"(
  a = flatten(x)
  y = huber(a, global_avg_pool(x))
  predict y)")) ==
        R"(m.graph:3:7: error: huber: sub: the shapes of f32[N, 192] and f32[N, 3, 1, 1] do not match
  y = huber(a, global_avg_pool(x))
      ^
std.graph:LINE: note: in block huber of the library, here
  distance = abs(prediction - target)
                            ^
)");
  CHECK(error_in_library(R"(block unit(x) {
  return conv1d(x, 4, kernel = 3)
}
)" + spec(R"(
  y = unit(x)
  predict y)")) ==
        R"(m.graph:2:10: error: conv1d: rows are [N, C, L] or [N, C, 1, L], not maps
  return conv1d(x, 4, kernel = 3)
         ^
std.graph:LINE: note: in block conv1d of the library, here
  rows = rows_as_maps(x)
         ^
m.graph:5:7: note: in block unit, called here
  y = unit(x)
      ^
)");
  CHECK(
      error_in_library(spec(R"(
  y = layer_norm(x, axis = [1, 2, 3])
  predict y)")) ==
      R"(m.graph:2:7: error: layer_norm: axis is one dimension; group_norm(x, groups = 1) goes along all but the batch
  y = layer_norm(x, axis = [1, 2, 3])
      ^
m.graph:2:7: note: in block layer_norm, called here
  y = layer_norm(x, axis = [1, 2, 3])
      ^
)");
}

TEST_CASE("reshape finds a size that is left open") {
  CHECK(attribute_of("reshape(x, shape = [N, 3, 64])", "shape") == Sizes{-1, 3, 64});
  CHECK(attribute_of("reshape(x, shape = [N, -1])", "shape") == Sizes{-1, 192});
  CHECK(attribute_of("reshape(x, shape = [-1, 3, -1, 2])", "shape") == Sizes{-1, 3, 32, 2});
  CHECK(attribute_of("reshape(constants(values = [1, 2, 3, 4], shape = [2, 2]), shape = [-1])", "shape") ==
        Sizes{4});
  CHECK(attribute_of("reshape(constants(values = [1, 2, 3, 4], shape = [2, 2]), shape = [4, -1])", "shape") ==
        Sizes{4, 1});
  const std::string at = "m.graph:2:7: error: reshape: ";
  CHECK(error_of_call("reshape(x, shape = [N, -1, -1])") == at + "only one size can be left open");
  CHECK(error_of_call("reshape(x, shape = [N, 5, -1])") ==
        at + "the sizes beside the open one do not divide the 192 elements of f32[N, 3, 8, 8]");
  CHECK(error_of_call("reshape(x, shape = [N, 4294967296, 4294967296, -1])") ==
        at + "the sizes beside the open one do not divide the 192 elements of f32[N, 3, 8, 8]");
  CHECK(error_of_call("reshape(x, shape = [N, 0, -1])") ==
        at + "the sizes beside the open one do not divide the 192 elements of f32[N, 3, 8, 8]");
}

TEST_CASE("N is the batch in a list of sizes, and no number") {
  CHECK(error_of_call("x * N") == "m.graph:2:9: error: '*' cannot be applied to a tensor and the batch");
  CHECK(error_of_call("reshape(x, shape = [3, N])").find("must be a number, not the batch") !=
        std::string::npos);
  CHECK(error_of_call("reshape(x, shape = [N * 3, 64])").find("the batch") != std::string::npos);
}

TEST_CASE("pads in words") {
  CHECK(attribute_of("conv2d(x, 4, kernel = 3, pad = \"valid\")", "pad") == Sizes{0, 0, 0, 0});
  CHECK(attribute_of("max_pool(x, kernel = 3, pad = \"valid\")", "pad") == Sizes{0, 0, 0, 0});
  CHECK(error_of_call("conv2d(x, 4, kernel = 3, pad = \"full\")") ==
        "m.graph:2:7: error: conv2d: pad must be numbers, \"same\" or \"valid\", not \"full\"");
  CHECK(error_of_call("max_pool(x, kernel = 3, pad = \"same\", ceil_mode = true)") ==
        "m.graph:2:7: error: max_pool: ceil_mode has no meaning with pad = \"same\", which leaves no rest");
}

TEST_CASE("there are no compound assignments") {
  const std::string error = error_of(spec("\n  y = relu(x)\n  y += x\n  predict y"));
  CHECK(error.substr(0, error.find('\n')) == "m.graph:3:3: error: there is no '+=': write y = y + ...");
}

}  // namespace rnc
