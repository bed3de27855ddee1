// Max pooling after batch norm and ReLU, in the loop interpreter against the reference interpreter: the pool
// and its gradient compute their operand as they load it, and sums move to the pool's result.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/graph/verifier.h"
#include "passes/lower/lower_to_loops.h"
#include "passes/passes.h"
#include "tests/support/evaluate.h"
#include "tests/support/model_builder.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_program.h"

namespace rnc {
namespace {

using Pair = std::vector<int64_t>;

struct Pooling {
  Pair kernel, stride, pad;
};

// As the stem of a residual network.
Module stem(int64_t height, int64_t width, const Pooling& pooling, bool predicts_relu = false) {
  test::ModelBuilder m;
  const ValueId image = m.input("image", DType::f32, {kBatch, 3, height, width});
  const ValueId label = m.input("label", DType::i32, {kBatch});
  ValueId x = m.op(Op::relu, {m.batch_norm("bn", m.conv("conv", image, 20, 3, 1, 1))}, {}, "relu");
  const ValueId relu = x;
  x = m.op(Op::max_pool, {x}, {{"kernel", pooling.kernel}, {"stride", pooling.stride}, {"pad", pooling.pad}},
           "max_pool");
  x = m.op(Op::global_avg_pool, {x}, {}, "pool");
  m.classifier(m.op(Op::flatten, {x}, {}, "flat"), label);
  if (predicts_relu) {
    m.graph().outputs[0] = {"features", relu};
    m.module.predict = "features";
  }
  derive_entries(m.module);
  differentiate(m.module);
  return std::move(m.module);
}

void fuse_for(Module& module, const TargetInfo& target, bool move = true) {
  decompose_batch_norm(module);
  decompose_linear(module);
  if (move) move_through_max_pool(module);
  cse(module);
  dce(module);
  choose_algorithm(module, target);
  choose_layout(module, target);
  fuse(module);
  verify(module);
}

// How many values of type `like` some other kernel reads.
int64_t stored_maps(const Graph& graph, const Type& like) {
  std::set<ValueId> stored;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::element_count) continue;
    for (const ValueId u : node.inputs) {
      if (graph[u].type == like && graph[u].kernel != node.kernel) stored.insert(u);
    }
  }
  return static_cast<int64_t>(stored.size());
}

const Node& find(const Graph& graph, Op op) { return *std::ranges::find(graph.nodes, op, &Node::op); }

}  // namespace

TEST_CASE("batch norm and ReLU before max pooling are not stored; their sums are taken after it") {
  Module module = stem(9, 9, {{3, 3}, {2, 2}, {1, 1}});
  fuse_for(module, {64, 32, true});
  const Graph& graph = *module.find_entry("backward");
  // The convolution's result and its gradient.
  CHECK(stored_maps(graph, find(graph, Op::conv2d).type) == 2);
  CHECK(std::ranges::count(graph.nodes, Op::max_pool_grad, &Node::op) == 1);
  CHECK(std::ranges::count(graph.nodes, Op::max_pool, &Node::op) == 0);
  const int select = find(graph, Op::max_pool_select).kernel,
            gradient = find(graph, Op::max_pool_grad).kernel;
  const auto in = [&](int kernel, Op op) {
    return std::ranges::count_if(graph.nodes,
                                 [&](const Node& n) { return n.kernel == kernel && n.op == op; });
  };
  CHECK(in(select, Op::relu) == 2);  // of what it compares, and of what it found
  CHECK(in(gradient, Op::relu) == 1);
  CHECK(in(gradient, Op::relu_grad) == 0);
  CHECK(in(gradient, Op::channel_sum) == 0);
}

TEST_CASE("nothing moves through max pooling where no batch norm sums, or two maps meet before it") {
  for (const bool sum : {false, true}) {
    test::ModelBuilder m;
    const ValueId image = m.input("image", DType::f32, {kBatch, 3, 8, 8});
    const ValueId label = m.input("label", DType::i32, {kBatch});
    ValueId x = m.conv("conv", image, 4, 3, 1, 1);
    if (sum) x = m.op(Op::add, {m.batch_norm("bn", x), m.conv("conv2", image, 4, 3, 1, 1)}, {}, "add");
    x = m.op(Op::relu, {x}, {}, "relu");
    x = m.op(Op::max_pool, {x}, {{"kernel", Pair{2, 2}}, {"stride", Pair{2, 2}}, {"pad", Pair{0, 0}}},
             "max_pool");
    m.classifier(m.op(Op::flatten, {x}, {}, "flat"), label);
    derive_entries(m.module);
    differentiate(m.module);
    decompose_batch_norm(m.module);
    CHECK_FALSE(move_through_max_pool(m.module));
  }
}

// In plain layout: a blocked result is read by a relayout, for which it is stored in any case.
TEST_CASE("a result of the entry is stored anyway, so max pooling loads it") {
  for (const bool result : {false, true}) {
    Module module = stem(9, 9, {{3, 3}, {2, 2}, {1, 1}}, result);
    decompose_batch_norm(module);
    fuse(module);
    const Graph& graph = *module.find_entry("backward");
    const int pool = find(graph, Op::max_pool).kernel;
    const auto again = [&](const Node& n) { return n.kernel == pool && n.op == Op::relu; };
    CHECK(std::ranges::count_if(graph.nodes, again) == (result ? 0 : 1));
  }
}

TEST_CASE("max pooling and its gradient with what is fused into them") {
  const Pooling poolings[] = {
      {{3, 3}, {2, 2}, {1, 1}}, {{2, 2}, {2, 2}, {0, 0}}, {{3, 2}, {1, 3}, {1, 0}}, {{1, 5}, {4, 2}, {0, 2}}};
  for (const Pooling& pooling : poolings) {
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{9, 12}, {8, 7}, {4, 5}}) {
      const Module model = stem(height, width, pooling);
      for (const TargetInfo& target : {TargetInfo{64, 32, true}, {32, 16, true}, {16, 16, false}}) {
        Module lowered = model;
        fuse_for(lowered, target, target.lanes(DType::f32) != 8);
        const loops::Program program = lower_to_loops(lowered, target);
        for (const int64_t batch : {1, 3}) {
          CAPTURE(pooling.kernel[0]);
          CAPTURE(height);
          CAPTURE(target.lanes(DType::f32));
          CAPTURE(batch);
          const Tensors tensors = test::random_tensors(model, 7);
          const Tensors inputs = test::random_inputs(model, *model.find_entry("backward"), batch, 8);
          const Tensors expected = test::evaluate(model, "backward", batch, inputs, tensors);
          loops::RunOptions options;
          options.order = loops::TaskOrder::shuffled;
          std::string worst;
          const Tensors result =
              test::run_program(lowered, program, "backward", batch, inputs, tensors, options);
          const double error = test::relative_error(result, expected, &worst, 1e-2);
          CAPTURE(worst);
          CHECK(error < 1e-4);
        }
      }
    }
  }
}

}  // namespace rnc
