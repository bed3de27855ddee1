#include "passes/summary.h"

#include <doctest/doctest.h>

#include "ir/text/text.h"
#include "passes/passes.h"
#include "tests/support/random_graph.h"

using namespace rnc;

namespace {

// The last two lines: the totals.
std::string totals(const std::string& sample) {
  const std::string text = summary(parse(read_source(RNC_SOURCE_DIR "/samples/" + sample + ".graph")));
  const std::string last = text.substr(text.rfind("\ntotal") + 6);
  return last.substr(last.find_first_not_of(' '));
}

}  // namespace

TEST_CASE("totals of the samples are those of torchvision's and d2l's networks") {
  CHECK(totals("resnet18") ==
        "11,689,512    9,600  1,814,073,344\nresnet18: 46.76 MB of parameters, 3.628 GFLOP per sample "
        "forward\n");
  CHECK(totals("resnet50") ==
        "25,557,032   53,120  4,089,184,256\nresnet50: 102.23 MB of parameters, 8.178 GFLOP per sample "
        "forward\n");
  CHECK(totals("fashion_resnet18") ==
        "11,178,378    7,808    318,657,536\n"
        "fashion_resnet18: 44.71 MB of parameters, 0.637 GFLOP per sample forward\n");
}

TEST_CASE("multiply-adds are counted alike before and after the linear layer is decomposed") {
  Module module = test::random_module(7);
  const auto total = [&] {
    int64_t sum = 0;
    for (const Node& node : module.entries[0].nodes) sum += multiply_adds_per_sample(module.entries[0], node);
    return sum;
  };
  const int64_t before = total();
  REQUIRE(decompose_linear(module));
  CHECK(total() == before);
  CHECK(before > 0);
}

TEST_CASE("what has neither a model nor an inference entry cannot be summarised") {
  Module module;
  CHECK_THROWS_WITH_AS(summary(module), "the model has no entry \"model\" or \"infer\" to summarise",
                       UserError);
}
