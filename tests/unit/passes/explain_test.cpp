#include "passes/graph/explain.h"

#include <doctest/doctest.h>

#include "ir/graph/interpreter.h"
#include "ir/graph/verifier.h"
#include "passes/passes.h"
#include "tests/support/model_builder.h"

using namespace rnc;
using rnc::test::ModelBuilder;

namespace {

// Two convolutions, a max pool, a linear layer; the map before the pool is predicted, too.
struct Network : ModelBuilder {
  Network() {
    const ValueId x = input("x", DType::f32, {kBatch, 2, 4, 4});
    const ValueId label = input("label", DType::i32, {kBatch});
    const ValueId act = op(Op::relu, {conv("block.conv1", x, 3, 3, 1, 1)}, {}, "block.act");
    const ValueId last = op(Op::relu, {conv("conv2", act, 4, 3, 1, 1)}, {}, "%last");
    const ValueId pool = op(Op::max_pool, {last}, {{"kernel", int64_t{2}}, {"stride", int64_t{2}}}, "pool");
    op(Op::sqrt, {x}, {}, "unused");
    classifier(op(Op::flatten, {pool}, {}, "flat"), label);
    graph().outputs.push_back({"map", last});
  }
  std::vector<std::string> explained(const std::vector<std::string>& layers) {
    explain_layers(module, layers);
    std::vector<std::string> names;
    for (const Output& output : graph().outputs)
      if (output.role == OutputRole::activation) names.push_back(output.name);
    return names;
  }
};

std::string refusal(Module& module, const std::vector<std::string>& layers) {
  try {
    explain_layers(module, layers);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("layers to explain: the last map before pooling, and by name that of a block") {
  CHECK(Network().explained({""}) == Names{"activation.last"});
  CHECK(Network().explained({"block", "", "last", "block.conv1"}) ==
        Names{"activation.block.act", "activation.last", "activation.block.conv1"});
}

TEST_CASE("layers to explain: mistakes") {
  Network m;
  CHECK(
      refusal(m.module, {"blok.act"}) ==
      "--explain: there is no layer 'blok.act' with a map of which the prediction is computed; did you mean "
      "'block.act'?; there are block.conv1, block.act, conv2, last, pool");
  for (const char* name : {"unused", "fc", "x", "flat"})
    CHECK(refusal(m.module, {name}).starts_with("--explain: there is no layer"));
  ModelBuilder rows;
  const ValueId x = rows.input("x", DType::f32, {kBatch, 4});
  rows.classifier(x, rows.input("label", DType::i32, {kBatch}));
  CHECK(refusal(rows.module, {""}) ==
        "--explain: the model test has no convolution whose result has more than one pixel, and of which the "
        "prediction is "
        "computed");
  ModelBuilder maps;
  maps.output("y", maps.conv("conv", maps.input("x", DType::f32, {kBatch, 1, 4, 4}), 2, 3));
  CHECK(refusal(maps.module, {""}) ==
        "--explain: what is predicted must be f32[N, K], such as scores of classes, and is f32[N, 2, 2, 2]");
  Network derived;
  derive_entries(derived.module);
  CHECK(refusal(derived.module, {""}) ==
        "--explain cannot change this dump: its entries are already derived");
}

TEST_CASE(
    "entry explain: the first prediction, the activations and the gradients, no further back than to them") {
  Network m;
  explain_layers(m.module, {"", "block"});
  CHECK(derive_entries(m.module));
  CHECK(differentiate(m.module));
  verify(m.module);
  const Graph& entry = *m.module.find_entry(EntryRole::explain);
  Names outputs;
  for (const Output& output : entry.outputs)
    outputs.push_back(output.name + " " + std::string(name(output.role)));
  CHECK(outputs == Names{"fc prediction", "last activation", "gradient.last gradient", "block.act activation",
                         "gradient.block.act gradient"});
  int to_inputs = 0, to_weights = 0;
  for (const Node& node : entry.nodes) {
    to_inputs += node.op == Op::conv2d_input_grad;
    to_weights += node.op == Op::conv2d_weight_grad;
  }
  CHECK(to_inputs == 1);
  CHECK(to_weights == 0);
  CHECK(m.module.find_entry(EntryRole::inference)->outputs.size() == 2);
  CHECK(m.module.find_entry(EntryRole::loss)->outputs.size() == 3);
  CHECK(m.module.find_entry(EntryRole::train_step)->outputs.size() == 3);
}

TEST_CASE("entry explain: an input of the model's called like its own") {
  ModelBuilder m;
  const ValueId x = m.input("grad_output", DType::f32, {kBatch, 2, 4, 4});
  m.classifier(m.op(Op::flatten, {m.conv("conv", x, 3, 3)}), m.input("label", DType::i32, {kBatch}));
  explain_layers(m.module, {""});
  try {
    derive_entries(m.module);
    FAIL("not refused");
  } catch (const UserError& error) {
    CHECK(
        std::string(error.what()) ==
        "--explain has an input grad_output of its own, beside the model's; the model's needs another name");
  }
}
