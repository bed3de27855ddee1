#include "passes/report/summary.h"

#include <doctest/doctest.h>

#include "ir/text/text.h"
#include "passes/passes.h"
#include "passes/pipeline.h"
#include "tests/support/random_graph.h"

using namespace rnc;

namespace {

// What follows the table.
std::string totals(const std::string& sample) {
  const std::string text = summary(parse(read_source(RNC_SOURCE_DIR "/samples/" + sample + ".graph")));
  return text.substr(text.rfind("=\n") + 2);
}

}  // namespace

TEST_CASE("totals of the samples are those of torchvision's and Paddle's networks") {
  CHECK(totals("resnet18") ==
        "Total params: 11,689,512 (46.76 MB): 11,679,912 and 9,600 of batch norm\n"
        "Buffers: 9,600 (0.04 MB)\n"
        "Multiply-adds: 1,814,073,344 per sample (3.628 GFLOP forward)\n");
  CHECK(totals("resnet50") ==
        "Total params: 25,557,032 (102.23 MB): 25,503,912 and 53,120 of batch norm\n"
        "Buffers: 53,120 (0.21 MB)\n"
        "Multiply-adds: 4,089,184,256 per sample (8.178 GFLOP forward)\n");
  CHECK(totals("fashion_resnet18") ==
        "Total params: 11,178,378 (44.71 MB): 11,170,570 and 7,808 of batch norm\n"
        "Buffers: 7,808 (0.03 MB)\n"
        "Multiply-adds: 318,657,536 per sample (0.637 GFLOP forward)\n");
}

TEST_CASE("memory: results of all layers, and the peaks of what is compiled") {
  Compilation c;
  c.module = parse(std::make_shared<SourceFile>(SourceFile{"m.graph", R"(
model m(image: f32[N, 2, 8, 8], label: i32[N]) {
  fc = linear(flatten(relu(image)), 1000)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(batch_size = 100)
}
)"}));
  const Module model = c.module;
  run_passes(c, pipeline());
  const std::string text = memory_summary(model, *c.program);
  CAPTURE(text);
  CHECK(text.find("Memory (MB)                      batch 1  batch 100\n") != std::string::npos);
  // relu and flatten 512 bytes each, fc 4,000, the loss 4
  CHECK(text.find("activations (all results above)     0.01       0.50\n") != std::string::npos);
  // infer holds the parameters, 516,000 bytes, and images and results; a step the momentum too
  const auto peak = [&](const std::string& what) {
    return std::stod(text.substr(text.find(what) + what.size()));
  };
  const double infer = peak("peak of inference"), step = peak("peak of a training step");
  CHECK(infer >= 0.51);
  CHECK(infer < 1.6);
  CHECK(step >= 2 * 0.51);
  CHECK(step > infer);
  CHECK(step < 3);
}

TEST_CASE("how evenly tasks divide among threads") {
  Module model{.name = "m"};
  model.recipe["batch_size"] = int64_t{3};
  loops::Program program;
  program.kernels.resize(2);
  program.kernels[0].tasks = {0, 2};  // 6 tasks of 100 bytes in all
  program.kernels[1].tasks = {1, 0};  // one task, of half the time
  loops::EntryProgram entry{.name = "infer", .role = EntryRole::inference};
  loops::Call both, one;
  both.kernel = 0;
  both.work.bytes = {100, 0};
  one.kernel = 1;
  one.work.flops = {800, 0};
  entry.calls = {both, one};
  program.entries.push_back(entry);
  const std::string text = thread_summary(model, program);
  CAPTURE(text);
  CHECK(
      text.find("Largest share of a thread / mean, batch 3  2 threads  8 threads  32 threads  64 threads") !=
      std::string::npos);
  // (100 / 2 + 50) / 75; (100 / 6 + 50) / (150 / 8); ...
  CHECK(
      text.find("inference                                       1.33       3.56       14.22       28.44") !=
      std::string::npos);
}

TEST_CASE("the algorithm of each convolution and matrix product, by direction") {
  Compilation c;
  c.module = parse(std::make_shared<SourceFile>(SourceFile{"m.graph", R"(
model m(image: f32[N, 16, 8, 8], label: i32[N]) {
  a = conv2d(image, 16, kernel = 3, pad = 1)
  b = conv2d(relu(a), 16, kernel = 3, pad = 1)
  fc = linear(flatten(b), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd()
}
)"}));
  c.target.conv = {{"a", ConvAlgorithm::direct}, {"b", ConvAlgorithm::winograd3}};
  run_passes(c, pipeline());
  CHECK(conv_summary(*c.program) == R"(-----------------------------------------------------------------
Algorithm  inference     forward       input grad    weight grad
=================================================================
a          direct        direct                      direct
b          winograd 3x3  winograd 3x3  winograd 3x3  winograd 3x3
fc         matmul        matmul        matmul        matmul
=================================================================
)");
  CHECK(conv_summary({}).empty());
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
