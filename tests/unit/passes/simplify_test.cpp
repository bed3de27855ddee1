#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "passes/graph/rewrite.h"
#include "passes/passes.h"
#include "tests/support/evaluate.h"
#include "tests/support/random_graph.h"

using namespace rnc;

namespace {

// A module with one entry whose only output is what `build` makes of an input x: f32[N, 3, 4, 5].
template <class Build>
Module module_of(const Build& build) {
  Module module;
  module.name = "test";
  module.tensors.push_back({"p", TensorKind::parameter, {DType::f32, {3}, {}}, {}, {}});
  Graph& graph = module.entries.emplace_back();
  graph.name = "model";
  graph.role = EntryRole::model;
  GraphBuilder b(module, graph);
  const ValueId x = b.input("x", {DType::f32, {kBatch, 3, 4, 5}, {}});
  const ValueId result = build(b, x);
  graph.outputs = {{"y", result}};
  return module;
}

Attributes with(std::initializer_list<std::pair<std::string, Attribute>> attributes) {
  Attributes all;
  for (const auto& [name, value] : attributes) all.set(name, value);
  return all;
}

// The output after simplify, if it changed anything; simplifying once more changes nothing.
template <class Build>
const Node* simplified(Module& module, const Build& build) {
  module = module_of(build);
  if (!simplify(module)) return nullptr;
  CHECK_FALSE(simplify(module));
  const Graph& graph = module.entries[0];
  return &graph[graph.outputs[0].value];
}

template <class Build>
bool becomes_input(const Build& build) {
  Module module;
  const Node* node = simplified(module, build);
  return node != nullptr && node->op == Op::input;
}

template <class Build>
bool unchanged(const Build& build) {
  Module module;
  return simplified(module, build) == nullptr;
}

// op(x, value) and op(value, x)
auto right(Op op, double value) {
  return [=](GraphBuilder& b, ValueId x) { return b.emit(op, {x, b.constant(value)}); };
}
auto left(Op op, double value) {
  return [=](GraphBuilder& b, ValueId x) { return b.emit(op, {b.constant(value), x}); };
}

}  // namespace

TEST_CASE("simplify: arithmetic identities, those that hold for every float") {
  CHECK(becomes_input(right(Op::mul, 1)));
  CHECK(becomes_input(left(Op::mul, 1)));
  CHECK(becomes_input(right(Op::div, 1)));
  CHECK(becomes_input(right(Op::sub, 0)));
  CHECK(becomes_input(right(Op::add, -0.0)));
  CHECK(becomes_input(left(Op::add, -0.0)));
}

TEST_CASE("simplify: what only looks like an identity stays") {
  CHECK(unchanged(right(Op::add, 0)));  // -0 + 0 is 0
  CHECK(unchanged(left(Op::add, 0)));
  CHECK(unchanged(right(Op::sub, -0.0)));  // -0 - -0 is 0
  CHECK(unchanged(left(Op::sub, 0)));
  CHECK(unchanged(right(Op::mul, 0)));  // inf * 0 is NaN
  CHECK(unchanged(left(Op::div, 1)));
  CHECK(unchanged(right(Op::mul, 0.5)));
  CHECK(unchanged([](GraphBuilder& b, ValueId x) { return b.emit(Op::sub, {x, x}); }));
  CHECK(unchanged([](GraphBuilder& b, ValueId x) { return b.emit(Op::relu, {x}); }));
  // rounds twice, and the tensor is no constant
  CHECK(unchanged([](GraphBuilder& b, ValueId x) {
    return b.emit(Op::mul, {b.emit(Op::mul, {x, b.constant(3)}), b.constant(5)});
  }));
}

TEST_CASE("simplify: windows, images and shapes that change nothing") {
  const Attribute one = int64_t{1};
  for (const Op op : {Op::max_pool, Op::avg_pool}) {
    CHECK(becomes_input([&](GraphBuilder& b, ValueId x) {
      return b.emit(op, {x}, with({{"kernel", one}, {"stride", one}}));
    }));
    CHECK(unchanged([&](GraphBuilder& b, ValueId x) {
      return b.emit(op, {x}, with({{"kernel", int64_t{2}}, {"stride", one}}));
    }));
    CHECK(unchanged([&](GraphBuilder& b, ValueId x) {
      return b.emit(op, {x}, with({{"kernel", one}, {"stride", int64_t{2}}}));
    }));
  }
  const Attribute size = std::vector<int64_t>{4, 5};
  CHECK(becomes_input([&](GraphBuilder& b, ValueId x) {
    return b.emit(Op::avg_pool_grad, {x}, with({{"kernel", one}, {"stride", one}, {"size", size}}));
  }));
  CHECK(becomes_input([](GraphBuilder& b, ValueId x) {
    return b.emit(Op::pad_channels, {x}, with({{"before", int64_t{0}}, {"after", int64_t{0}}}));
  }));
  CHECK(unchanged([&](GraphBuilder& b, ValueId x) {
    return b.emit(Op::pad_channels, {x}, with({{"before", int64_t{0}}, {"after", one}}));
  }));
  CHECK(becomes_input([](GraphBuilder& b, ValueId x) {
    return b.emit(Op::slice_channels, {x}, with({{"begin", int64_t{0}}, {"end", int64_t{3}}}));
  }));
  CHECK(becomes_input([](GraphBuilder& b, ValueId x) {
    return b.emit(Op::reshape, {x}, with({{"shape", std::vector<int64_t>{kBatch, 3, 4, 5}}}));
  }));
  CHECK(becomes_input([](GraphBuilder& b, ValueId x) {
    const ValueId flat = b.emit(Op::flatten, {x});
    return b.emit(Op::reshape, {flat}, with({{"shape", std::vector<int64_t>{kBatch, 3, 4, 5}}}));
  }));
  // f32 interpolation multiplies neighbours by 0, which shows where they are infinite
  CHECK(unchanged([](GraphBuilder& b, ValueId x) {
    return b.emit(Op::resize, {x}, with({{"size", std::vector<int64_t>{4, 5}}}));
  }));
}

TEST_CASE("simplify: u8 images of the size they have are not resized") {
  Module module;
  module.name = "test";
  Graph& graph = module.entries.emplace_back();
  graph.name = "model";
  graph.role = EntryRole::model;
  GraphBuilder b(module, graph);
  const ValueId x = b.input("x", {DType::u8, {kBatch, 3, 4, 5}, {}});
  graph.outputs = {{"y", b.emit(Op::resize, {x}, with({{"size", std::vector<int64_t>{4, 5}}}))}};
  CHECK(simplify(module));
  CHECK(module.entries[0].nodes.size() == 1);
}

TEST_CASE("simplify: relu of relu, and chains that open up one after another") {
  Module module;
  const Node* node = simplified(module, [](GraphBuilder& b, ValueId x) {
    return b.emit(Op::relu, {b.emit(Op::mul, {b.emit(Op::relu, {x}, {}, "inner"), b.constant(1)})});
  });
  REQUIRE(node != nullptr);
  CHECK(node->name == "inner");
  CHECK(module.entries[0].nodes.size() == 2);
}

TEST_CASE("simplify: reshapes of reshapes and relayouts of relayouts become one") {
  Module module;
  const Node* node = simplified(module, [](GraphBuilder& b, ValueId x) {
    const ValueId middle = b.emit(Op::reshape, {x}, with({{"shape", std::vector<int64_t>{kBatch, 5, 12}}}));
    return b.emit(Op::flatten, {middle}, {}, "flat");
  });
  REQUIRE(node != nullptr);
  CHECK(node->op == Op::reshape);
  CHECK(node->name == "flat");
  CHECK(node->type.shape == Shape{kBatch, 60});
  CHECK(module.entries[0].nodes.size() == 2);

  const auto relayouts = [](const Layout& last) {
    return [=](GraphBuilder& b, ValueId x) {
      const ValueId blocked = b.emit(Op::relayout, {x});
      b.graph()[blocked].type.layout.blocks = {{1, 8}};
      const ValueId result = b.emit(Op::relayout, {blocked});
      b.graph()[result].type.layout = last;
      return result;
    };
  };
  CHECK(becomes_input(relayouts({})));
  node = simplified(module, relayouts({{}, {{1, 16}}}));
  REQUIRE(node != nullptr);
  CHECK(node->op == Op::relayout);
  CHECK(node->type.layout.block(1) == 16);
  CHECK(module.entries[0].nodes.size() == 2);
}

TEST_CASE("simplify folds arithmetic on constants to the correctly rounded f32") {
  const auto fold = [](Op op, double a, double b) {
    Module module;
    const Node* node = simplified(module, [&](GraphBuilder& builder, ValueId) {
      return builder.emit(op, {builder.constant(a), builder.constant(b)});
    });
    return node != nullptr && node->op == Op::constant ? node->attributes.get<double>("value") : NAN;
  };
  CHECK(fold(Op::add, 0.1, 0.2) == static_cast<double>(0.1f + 0.2f));
  CHECK(fold(Op::sub, 0.1, 0.2) == static_cast<double>(0.1f - 0.2f));
  CHECK(fold(Op::mul, 0.1, 0.2) == static_cast<double>(0.1f * 0.2f));
  CHECK(fold(Op::div, 0.1, 0.2) == static_cast<double>(0.1f / 0.2f));
  CHECK(std::isnan(fold(Op::div, 1, 0)));        // not folded: infinite
  CHECK(std::isnan(fold(Op::mul, 1e38, 1e38)));  // not folded: beyond f32
  Module module;
  const Node* root =
      simplified(module, [](GraphBuilder& b, ValueId) { return b.emit(Op::sqrt, {b.constant(2)}); });
  REQUIRE(root != nullptr);
  CHECK(root->attributes.get<double>("value") == static_cast<double>(std::sqrt(2.0f)));
  CHECK(unchanged([](GraphBuilder& b, ValueId) { return b.emit(Op::rsqrt, {b.constant(2)}); }));
}

TEST_CASE("cse merges equal nodes, operands of sums and products in either order, and nothing else") {
  const auto distinct = [](const auto& first, const auto& second) {
    Module module = module_of([&](GraphBuilder& b, ValueId x) {
      const ValueId p = b.state("p");
      return b.emit(Op::div, {first(b, x, p), second(b, x, p)}, {}, "both");
    });
    const bool changed = cse(module);
    const Graph& graph = module.entries[0];
    const Node& both = graph[graph.outputs[0].value];
    CHECK(changed == (both.inputs[0] == both.inputs[1]));
    CHECK_FALSE(cse(module));
    return both.inputs[0] != both.inputs[1];
  };
  const auto binary = [](Op op, bool swapped = false) {
    return [=](GraphBuilder& b, ValueId x, ValueId p) {
      return swapped ? b.emit(op, {p, x}) : b.emit(op, {x, p});
    };
  };
  const auto constant = [](double value) {
    return [=](GraphBuilder& b, ValueId x, ValueId) { return b.emit(Op::mul, {x, b.constant(value)}); };
  };
  CHECK_FALSE(distinct(binary(Op::add), binary(Op::add)));
  CHECK_FALSE(distinct(binary(Op::add), binary(Op::add, true)));
  CHECK_FALSE(distinct(binary(Op::mul), binary(Op::mul, true)));
  CHECK(distinct(binary(Op::sub), binary(Op::sub, true)));
  CHECK(distinct(binary(Op::sub), binary(Op::add)));
  CHECK_FALSE(distinct(constant(0.1), constant(0.1)));
  CHECK(distinct(constant(0.1), constant(0.2)));
  CHECK(distinct(constant(0.0), constant(-0.0)));
  const auto window = [](int64_t kernel) {
    return [=](GraphBuilder& b, ValueId x, ValueId) {
      return b.emit(Op::max_pool, {x},
                    with({{"kernel", kernel}, {"stride", int64_t{1}}, {"pad", (kernel - 1) / 2}}));
    };
  };
  CHECK_FALSE(distinct(window(3), window(3)));
  CHECK(distinct(window(3), window(1)));
  const auto in_kernel = [&](int kernel) {
    return [=](GraphBuilder& b, ValueId x, ValueId) {
      const ValueId v = b.emit(Op::relu, {x});
      b.graph().kernels = {"first", "second"};
      b.graph()[v].kernel = kernel;
      return v;
    };
  };
  CHECK(distinct(in_kernel(0), in_kernel(1)));
}

TEST_CASE("dce drops what nothing depends on, but never an input") {
  Module module = module_of([](GraphBuilder& b, ValueId x) {
    b.emit(Op::relu, {b.emit(Op::mul, {x, b.state("p")})}, {}, "unused");
    return b.constant(1);
  });
  module.entries[0].kernels = {"empty"};
  CHECK(dce(module));
  const Graph& graph = module.entries[0];
  REQUIRE(graph.nodes.size() == 2);
  CHECK(graph.nodes[0].op == Op::input);
  CHECK(graph[graph.outputs[0].value].op == Op::constant);
  CHECK(graph.kernels.empty());
  CHECK_FALSE(dce(module));
}

TEST_CASE("dce keeps what an assign depends on") {
  Module module = module_of([](GraphBuilder& b, ValueId) { return b.constant(1); });
  GraphBuilder b(module, module.entries[0]);
  module.entries[0].assigns = {{"p", b.emit(Op::relu, {b.state("p")})}};
  CHECK_FALSE(dce(module));
}

TEST_CASE("rewriting keeps names, layers, locations, layouts and kernels") {
  Module module = module_of([](GraphBuilder& b, ValueId x) {
    const auto file = std::make_shared<SourceFile>(SourceFile{"net.graph", "text"});
    b.set_origin({file, 3, 4}, "block.conv");
    const ValueId kept = b.emit(Op::relu, {b.emit(Op::mul, {x, b.constant(1)})}, {}, "kept");
    b.graph()[kept].kernel = 0;
    b.graph()[kept].type.layout.blocks = {{1, 4}};
    b.graph().kernels = {"fused"};
    return kept;
  });
  const Node before = module.entries[0].nodes.back();
  REQUIRE(simplify(module));
  const Node& after = module.entries[0].nodes.back();
  CHECK(after.name == before.name);
  CHECK(after.layer == "block.conv");
  CHECK(after.location.str() == "net.graph:3:4");
  CHECK(after.type == before.type);
  CHECK(after.kernel == 0);
  CHECK(module.entries[0].kernels == std::vector<std::string>{"fused"});
}
