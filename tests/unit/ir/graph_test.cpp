#include "ir/graph/graph.h"

#include <doctest/doctest.h>

#include "tests/support/model_builder.h"

using namespace rnc;
using rnc::test::ModelBuilder;

TEST_CASE("GraphBuilder names what has no name, and numbers taken generated names") {
  ModelBuilder m;
  const ValueId x = m.input("x", DType::f32, {kBatch, 3});
  GraphBuilder b = m.builder();
  CHECK(b[b.emit(Op::relu, {x})].name == "%relu");
  CHECK(b[b.emit(Op::relu, {x}, {}, "%3")].name == "%3");
  CHECK(b[b.emit(Op::relu, {x})].name == "%relu.1");
  CHECK(b[b.emit(Op::relu, {x}, {}, "%3")].name == "%3.1");
  b.set_origin({}, "layer1.0", Phase::backward);
  const Node made = b[b.emit(Op::relu, {x})];
  CHECK(made.name == "%layer1.0.relu");
  CHECK(made.phase == Phase::backward);
  const Node half = b[b.constant(-0.5)];
  CHECK(half.name == "%constant.m0.5");
  CHECK(half.layer.empty());
  CHECK(half.phase == Phase::forward);
  CHECK(b[b.emit(Op::relu, {x}, {}, "y")].name == "y");
  CHECK_THROWS_WITH_AS(b.emit(Op::relu, {x}, {}, "y"), "y is already defined", UserError);
  CHECK_THROWS_WITH_AS(b.input("x", {}), "x is already defined", UserError);
}

TEST_CASE("GraphBuilder makes one state node per tensor") {
  ModelBuilder m;
  m.module.tensors.push_back({"w", TensorKind::parameter, {DType::f32, {3}, {}}, {}, {}});
  GraphBuilder b = m.builder();
  const ValueId w = b.state("w");
  CHECK(b.state("w") == w);
  CHECK(b[w].op == Op::state);
  CHECK(b[w].type.shape == Shape{3});
  CHECK(m.builder().state("w") == w);
  CHECK_THROWS_WITH_AS(b.state("v"), "there is no tensor v", UserError);
}

TEST_CASE("what is emitted takes the builder's origin; a clone keeps its own") {
  ModelBuilder m;
  const auto file = std::make_shared<const SourceFile>(SourceFile{"m.graph", ""});
  const ValueId x = m.input("x", DType::f32, {kBatch, 3});
  GraphBuilder b = m.builder();
  b.set_origin({file, 3, 4}, "layer");
  const ValueId y = b.emit(Op::relu, {x}, {}, "y");
  CHECK(b[y].layer == "layer");
  CHECK(b[y].location.str() == "m.graph:3:4");
  b.set_origin({}, "other");
  Node original = b[y];
  original.kernel = 5;
  const ValueId z = b.clone(original, {y});
  CHECK(b[z].name == "%y");
  CHECK(b[z].layer == "layer");
  CHECK(b[z].location.str() == "m.graph:3:4");
  CHECK(b[z].inputs == std::vector<ValueId>{y});
  CHECK(b[z].kernel == -1);
  original.name = "free";
  CHECK(b[b.clone(original, {y})].name == "free");
}

TEST_CASE("errors are at the builder's location") {
  ModelBuilder m;
  const auto file = std::make_shared<const SourceFile>(
      SourceFile{"m.graph", "model m(x: f32[N]) {\n  y = relu(x, x)\n}\n"});
  const ValueId x = m.input("x", DType::f32, {kBatch});
  GraphBuilder b = m.builder();
  b.set_origin({file, 2, 7}, "y");
  try {
    b.emit(Op::relu, {x, x});
    FAIL("no error");
  } catch (const UserError& error) {
    CHECK(error.diagnostic().render() ==
          "m.graph:2:7: error: relu: takes 1 operand, not 2\n  y = relu(x, x)\n      ^\n");
  }
}

TEST_CASE("tensors and entries are found by name") {
  Module module;
  module.tensors.push_back({"w", TensorKind::buffer, {}, {}, {}});
  module.entries.push_back({.name = "infer"});
  CHECK(module.find_tensor("w") == &module.tensors[0]);
  CHECK(module.find_tensor("v") == nullptr);
  CHECK(module.find_entry("infer") == &module.entries[0]);
  CHECK(module.find_entry("loss") == nullptr);
  CHECK(name(module.tensors[0].kind) == "buffer");
}
