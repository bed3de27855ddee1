// Every rule of the verifier, broken once.
#include "ir/graph/verifier.h"

#include <doctest/doctest.h>

#include <functional>

#include "tests/support/model_builder.h"

using namespace rnc;
using rnc::test::ModelBuilder;

namespace {

// Nodes: 0 x, 1 w, 2 conv, 3 relu. Assigns w, outputs relu.
Module sound_module() {
  ModelBuilder m("infer");
  const ValueId x = m.input("x", DType::f32, {kBatch, 3, 8, 8});
  const ValueId w = m.tensor("w", {4, 3, 3, 3});
  const ValueId conv = m.op(Op::conv2d, {x, w}, {{"pad", int64_t{1}}}, "conv");
  m.output("y", m.op(Op::relu, {conv}, {}, "relu"));
  m.graph().assigns.push_back({"w", w});
  m.graph().kernels = {"k0", "k1"};
  return std::move(m.module);
}

std::string violation(const std::function<void(Module&, Graph&)>& spoil) {
  Module module = sound_module();
  spoil(module, module.entries[0]);
  const std::optional<Diagnostic> found = find_violation(module);
  return found ? found->message : "none";
}

}  // namespace

TEST_CASE("a sound module passes, with layouts too") {
  CHECK(violation([](Module&, Graph&) {}) == "none");
  CHECK(violation([](Module& m, Graph& g) {
          m.tensors[0].type.layout = {{1, 0, 2, 3}, {{0, 4}, {1, 4}}};
          g.nodes[1].type.layout = m.tensors[0].type.layout;
          g.nodes[2].type.layout.blocks = {{1, 16}};
          g.nodes[2].kernel = g.nodes[3].kernel = 1;
        }) == "none");
  verify(sound_module());
}

TEST_CASE("rules on tensors") {
  CHECK(violation([](Module& m, Graph&) { m.tensors[0].name = ""; }) == "tensor without a name");
  CHECK(violation([](Module& m, Graph&) { m.tensors.push_back(m.tensors[0]); }) ==
        "the tensor w is defined twice");
  CHECK(violation([](Module& m, Graph&) { m.tensors[0].type.dtype = DType::u8; }) ==
        "the tensor w u8[4, 3, 3, 3] must be f32 without a batch");
  CHECK(violation([](Module& m, Graph&) { m.tensors[0].type.shape[0] = kBatch; }) ==
        "the tensor w f32[N, 3, 3, 3] must be f32 without a batch");
  CHECK(violation([](Module& m, Graph&) { m.tensors[0].type.shape[1] = 0; }) ==
        "the tensor w f32[4, 0, 3, 3]: every size must be at least 1");
  CHECK(violation([](Module& m, Graph&) { m.tensors[0].type.shape[1] = int64_t{1} << 62; }) ==
        "the tensor w f32[4, 4611686018427387904, 3, 3] is too large");
}

TEST_CASE("rules on entries") {
  CHECK(violation([](Module&, Graph& g) { g.name = ""; }) == "entry without a name");
  CHECK(violation([](Module& m, Graph&) { m.entries.push_back(m.entries[0]); }) ==
        "the entry infer is defined twice");
  CHECK(violation([](Module& m, Graph&) {
          m.entries.push_back({.name = "model", .role = EntryRole::model});
        }) == "the entry model stands beside others");
  CHECK(violation([](Module& m, Graph& g) {
          g.name = "train";
          g.role = EntryRole::training;
          m.entries.push_back({.name = "update", .role = EntryRole::update});
        }) == "the entry train stands beside update, which is made of it");
}

TEST_CASE("rules on nodes") {
  CHECK(violation([](Module&, Graph& g) { g.nodes[3].name = "conv"; }) == "the value conv is defined twice");
  CHECK(violation([](Module&, Graph& g) { g.nodes[3].name = ""; }) == "value without a name");
  CHECK(violation([](Module&, Graph& g) {
          g.nodes[2].inputs = {0, 3};
        }) == "conv uses a value that is not defined before it");
  CHECK(violation([](Module&, Graph& g) {
          g.nodes[2].inputs = {0, -1};
        }) == "conv uses a value that is not defined before it");
  CHECK(violation([](Module&, Graph& g) { g.nodes[2].inputs = {0}; }) == "conv2d conv has 1 operands");
  CHECK(violation([](Module&, Graph& g) { g.nodes[2].attributes.erase("pad"); }) ==
        "the attributes of conv are not complete");
  CHECK(violation([](Module&, Graph& g) { g.nodes[2].attributes.set("pad", int64_t{1}); }) ==
        "the attributes of conv are not complete");
  CHECK(violation([](Module&, Graph& g) { g.nodes[2].attributes.set("speed", int64_t{1}); }) ==
        "conv2d: there is no attribute speed");
  CHECK(violation([](Module&, Graph& g) { g.nodes[2].type.shape[1] = 5; }) ==
        "conv is f32[N, 5, 8, 8] but conv2d gives f32[N, 4, 8, 8]");
  CHECK(violation([](Module&, Graph& g) { g.nodes[0].type.shape[1] = 5; }) ==
        "conv2d: the input f32[N, 5, 8, 8] has 5 channels but the weight f32[4, 3, 3, 3] takes 3");
  CHECK(violation([](Module&, Graph& g) {
          std::swap(g.nodes[0], g.nodes[1]);
          g.nodes[2].inputs = {1, 0};
        }) == "the input x comes after other values");
  CHECK(violation([](Module&, Graph& g) {
          g.nodes[0].type.layout.blocks = {{1, 4}};
        }) == "the input x is not stored plainly");
  CHECK(violation([](Module& m, Graph&) { m.tensors[0].name = "v"; }) == "there is no tensor w");
  CHECK(violation([](Module& m, Graph&) {
          m.tensors[0].type.layout.blocks = {{1, 4}};
        }) == "the tensor w is f32[4, 3, 3, 3 | 1:4], not f32[4, 3, 3, 3]");
  CHECK(violation([](Module&, Graph& g) { g.nodes[2].kernel = 2; }) ==
        "conv is in a kernel that does not exist");
  CHECK(violation([](Module&, Graph& g) { g.nodes[1].kernel = g.nodes[3].kernel = 1; }) ==
        "relu stands apart from its kernel k1");
}

TEST_CASE("rules on layouts") {
  const auto with = [](std::vector<int> order, std::vector<Layout::Block> blocks) {
    return violation([&](Module&, Graph& g) { g.nodes[2].type.layout = {order, blocks}; });
  };
  const std::string conv = "the layout of conv f32[N, 4, 8, 8 | ";
  CHECK(with({0, 1, 2}, {}) == conv + "order 0 1 2] does not fit its dimensions");
  CHECK(with({0, 1, 2, 2}, {}) == conv + "order 0 1 2 2] does not fit its dimensions");
  CHECK(with({1, 2, 3, 4}, {}) == conv + "order 1 2 3 4] does not fit its dimensions");
  CHECK(with({}, {{4, 8}}) == conv + "4:8] does not fit its dimensions");
  CHECK(with({}, {{1, 64}, {2, 2}, {1, 128}}) == conv + "1:64, 2:2, 1:128] does not fit its dimensions");
  CHECK(with({}, {{1, 8}, {1, 2}}) == "none");
  CHECK(with({}, {{0, 8}}) == conv + "0:8] blocks the batch");
  CHECK(with({}, {{1, 1}}) == conv + "1:1] has a block of one element");
}

TEST_CASE("rules on outputs and assigns") {
  CHECK(violation([](Module&, Graph& g) { g.outputs[0].value = 4; }) ==
        "entry infer: output y is not a value of the entry");
  CHECK(violation([](Module&, Graph& g) { g.outputs.push_back(g.outputs[0]); }) ==
        "the output y is defined twice");
  CHECK(violation([](Module&, Graph& g) { g.outputs[0].name = ""; }) == "output without a name");
  CHECK(violation([](Module&, Graph& g) {
          g.nodes[3].type.layout.blocks = {{1, 4}};
        }) == "the output y is not stored plainly");
  CHECK(violation([](Module&, Graph& g) { g.assigns[0].value = kNoValue; }) ==
        "entry infer: what is assigned to w is not a value of the entry");
  CHECK(violation([](Module&, Graph& g) { g.assigns.push_back(g.assigns[0]); }) ==
        "the assign w is defined twice");
  CHECK(violation([](Module&, Graph& g) { g.assigns[0].tensor = "v"; }) == "there is no tensor v");
  CHECK(violation([](Module&, Graph& g) { g.assigns[0].value = 3; }) ==
        "the tensor w f32[4, 3, 3, 3] is assigned the value relu f32[N, 4, 8, 8]");
}
