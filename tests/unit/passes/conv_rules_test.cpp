#include "passes/graph/conv_rules.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "passes/passes.h"
#include "tests/support/model_builder.h"

namespace rnc {
namespace {

template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

std::string refused(const ConvRules& rules) {
  test::ModelBuilder m;
  const ValueId image = m.input("image", DType::f32, {kBatch, 3, 8, 8});
  const ValueId stem = m.conv("stem", image, 16, 7, 2, 3);
  m.output("y", m.conv("layer1.0.conv1", m.conv("layer1.0.down", stem, 16, 1), 16, 3, 1, 1));
  return error_of([&] { check_conv_rules(rules, m.module); });
}

}  // namespace

TEST_CASE("rules by layer: the last that fits holds") {
  const ConvRules rules = parse_conv_rules("winograd2,layer1=direct,layer1.*.conv1=winograd4,stem=auto");
  CHECK(algorithm_for(rules, "layer2.0.conv1") == ConvAlgorithm::winograd2);
  CHECK(algorithm_for(rules, "layer1.0.conv2") == ConvAlgorithm::direct);
  CHECK(algorithm_for(rules, "layer10.0.conv2") == ConvAlgorithm::winograd2);
  CHECK(algorithm_for(rules, "layer1.0.conv1") == ConvAlgorithm::winograd4);
  CHECK(algorithm_for(rules, "stem") == ConvAlgorithm::automatic);
  CHECK(algorithm_for({}, "stem") == ConvAlgorithm::automatic);
  CHECK(algorithm_for(parse_conv_rules("winograd3"), "") == ConvAlgorithm::winograd3);
}

TEST_CASE("rules that make no sense are refused") {
  const char* algorithms = "; there are auto, direct, winograd2, winograd3, winograd4";
  const auto message = [](const char* text) { return error_of([&] { parse_conv_rules(text); }); };
  CHECK(message("fast") == std::string("--conv: there is no algorithm 'fast'") + algorithms);
  CHECK(message("") == std::string("--conv: there is no algorithm ''") + algorithms);
  CHECK(message("a=direct,") == std::string("--conv: there is no algorithm ''") + algorithms);
  CHECK(message("a=") == std::string("--conv: there is no algorithm ''") + algorithms);
  CHECK(message("=direct") == "--conv: '=direct' must be LAYER=ALGORITHM");
}

TEST_CASE("a rule for no convolution, or for none that its algorithm can compute, is refused") {
  CHECK(refused({{"layer1.0.conv1", ConvAlgorithm::winograd4}, {"layer1", ConvAlgorithm::winograd2}}) ==
        "accepted");
  CHECK(refused({{"", ConvAlgorithm::winograd4}, {"stem", ConvAlgorithm::direct}}) == "accepted");
  CHECK(refused({{"sten", ConvAlgorithm::direct}}) ==
        "--conv: there is no convolution 'sten'; did you mean 'stem'?");
  CHECK(refused({{"stem", ConvAlgorithm::winograd4}}) ==
        "--conv: winograd4 cannot compute stem: stem is 7x7 of stride 2 and pad 3, from 3 to 16 channels; it "
        "takes 3x3 convolutions of stride 1 or 2 and pad 1 with more than 4 channels, without groups");
  CHECK(refused({{"*.down", ConvAlgorithm::winograd2}}) ==
        "--conv: winograd2 cannot compute *.down: layer1.0.down is 1x1 of stride 1 and pad 0, from 16 to 16 "
        "channels; it takes 3x3 convolutions of stride 1 or 2 and pad 1 with more than 4 channels, without "
        "groups");
}

TEST_CASE("--conv goes before the spec, and that before the estimates; what is decided leaves a remark") {
  const auto chosen = [](const char* algorithm, const ConvRules& rules, std::string* remarks = nullptr) {
    test::ModelBuilder m;
    const ValueId x = m.input("x", DType::f32, {kBatch, 64, 4, 4});
    const ValueId y = m.op(Op::conv2d, {x, m.tensor("conv.weight", {64, 64, 3, 3})},
                           {{"pad", int64_t{1}}, {"algorithm", std::string(algorithm)}}, "conv");
    m.output("y", y);
    m.module.predict = "y";
    derive_entries(m.module);
    Remarks made;
    const TargetInfo target{.vector_bytes = 64,
                            .vector_registers = 32,
                            .fma = true,
                            .l1_bytes = 48 << 10,
                            .l2_bytes = 1 << 20,
                            .conv = rules};
    choose_algorithm(m.module, target, &made);
    CHECK(!choose_algorithm(m.module, target));
    if (remarks != nullptr) *remarks = str(made);
    const Graph& graph = *m.module.find_entry(EntryRole::inference);
    for (const Node& node : graph.nodes)
      if (node.op == Op::conv2d)
        return fmt::format("{} {}", name(algorithm_of(node)), node.attributes.get<int64_t>("from_batch"));
    return std::string();
  };
  std::string remarks;
  CHECK(chosen("auto", {}, &remarks) == "winograd4 9");
  CHECK(remarks ==
        "remark: conv (conv2d in infer): winograd4 from batch 9: an image takes 0.00685 million cycles by "
        "Winograd's algorithm, 0.0184 summed directly; fewer than 9 images wait for the larger weights "
        "[choose_algorithm]\n");
  CHECK(chosen("auto", {{"conv", ConvAlgorithm::winograd3}}, &remarks) == "winograd3 1");
  CHECK(remarks == "remark: conv (conv2d in infer): winograd3: --conv asks for it [choose_algorithm]\n");
  CHECK(chosen("auto", {{"conv", ConvAlgorithm::direct}}) == "direct 1");
  CHECK(chosen("winograd2", {}, &remarks) == "winograd2 1");
  CHECK(remarks.empty());
  CHECK(chosen("winograd2", {{"conv", ConvAlgorithm::direct}}, &remarks) == "direct 1");
  CHECK(remarks == "remark: conv (conv2d in infer): direct: --conv asks for it [choose_algorithm]\n");
}

}  // namespace rnc
