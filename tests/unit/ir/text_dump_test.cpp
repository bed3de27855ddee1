// Dumps: what is printed, and that it reads back as the same module.
#include <cmath>
#include <limits>

#include "text_support.h"

namespace rnc {
namespace {

// A module with one of everything a dump can say.
Module everything() {
  Module module;
  module.name = "all of it";  // not a plain name
  module.classes = {"T-shirt/top", "a \"quoted\" one\\", "Ankle\tboot"};
  module.recipe = {{"batch_size", int64_t{256}}, {"lr", 0.1}};
  module.optimizer = {"sgd", {}, {std::make_shared<SourceFile>(SourceFile{"a b.graph", ""}), 9, 4}};
  module.optimizer.hyper.set("momentum", 0.1 + 0.2);
  module.predict = "y";
  const auto tensor = [&](std::string name, TensorKind kind, Type type) {
    module.tensors.push_back({.name = std::move(name), .kind = kind, .type = std::move(type)});
  };
  tensor("w", TensorKind::parameter, {.shape = {40, 20, 3, 1}});
  module.tensors[0].initializer = {"normal", {}};
  module.tensors[0].initializer.attributes.set("mean", -1e-300);
  module.tensors[0].initializer.attributes.set("std", 2.0);
  module.tensors[0].initializer.attributes.set("fan_in", int64_t{3});
  tensor("packed.w", TensorKind::prepared,
         {.shape = {40, 20, 3, 1}, .layout = {{1, 0, 2, 3}, {{0, 16}, {1, 8}}}});
  tensor("momentum.w", TensorKind::slot, {.shape = {40, 20, 3, 1}});
  tensor("grad.w", TensorKind::gradient, {.shape = {40, 20, 3, 1}});
  tensor("velocity", TensorKind::slot, {.shape = {40, 20, 3, 1}});
  for (Tensor& made : module.tensors) {
    const bool belongs = made.kind == TensorKind::slot || made.kind == TensorKind::gradient;
    if (belongs) made.of = "w";
  }
  tensor("mean", TensorKind::buffer, {.shape = {1}});

  Graph graph{.name = "infer", .role = EntryRole::inference};
  GraphBuilder builder(module, graph);
  const auto file = std::make_shared<SourceFile>(SourceFile{"spec.graph", ""});
  builder.set_origin({file, 3, 7}, "x");
  const ValueId x = builder.input("x", {.shape = {kBatch, 20, 9, 8}});
  builder.set_origin({file, 4, 5}, "if");  // a reserved word
  const ValueId w = builder.state("packed.w");
  builder.set_origin({}, "");
  Attributes attributes;
  attributes.set("pad", std::vector<int64_t>{1, 0});
  attributes.set("stride", std::vector<int64_t>{2, 2});
  const ValueId y = builder.emit(Op::conv2d, {x, w}, attributes, "layer 1+2");
  graph[y].type.layout.blocks = {{1, 16}};
  const ValueId z = builder.emit(Op::relu, {y}, {}, "%grad.y");
  const ValueId c = builder.constant(std::numeric_limits<double>::quiet_NaN());
  const ValueId d = builder.constant(-std::numeric_limits<double>::infinity());
  const ValueId e = builder.constant(-0.0);
  const ValueId s = builder.emit(Op::mul, {z, c});
  graph.kernels = {"unused", "conv", "conv"};
  graph[y].kernel = graph[z].kernel = 2;
  graph[d].kernel = graph[e].kernel = 1;
  graph.outputs = {{"y", s}, {"if", c}};
  graph.assigns = {{"packed.w", w}, {"w", w}};
  module.entries.push_back(graph);
  module.entries.push_back({.name = "empty"});
  return module;
}

}  // namespace

TEST_CASE("a dump shows everything") {
  CHECK(print(everything()) == R"(model `all of it` {
  classes ["T-shirt/top", "a \"quoted\" one\\", "Ankle\tboot"]
  recipe(batch_size = 256, lr = 0.1)
  train sgd(momentum = 0.30000000000000004)  @ "a b.graph" 9:4
  predict y

  parameter w : f32[40, 20, 3, 1] = normal(fan_in = 3, mean = -1e-300, std = 2.0)
  prepared packed.w : f32[40, 20, 3, 1 | order 1 0 2 3, 0:16, 1:8]
  slot momentum.w : f32[40, 20, 3, 1]
  gradient grad.w : f32[40, 20, 3, 1]
  slot velocity of w : f32[40, 20, 3, 1]
  buffer mean : f32[1]

  entry infer {
    x : f32[N, 20, 9, 8] = input()  @ "spec.graph" 3:7
    packed.w : f32[40, 20, 3, 1 | order 1 0 2 3, 0:16, 1:8] = state()  @ in `if`
    kernel conv {
      `layer 1+2` : f32[N, 40, 5, 4 | 1:16] = conv2d(x, packed.w, stride = 2, pad = [1, 0])  @ in ""
      %grad.y : f32[N, 40, 5, 4] = relu(`layer 1+2`)  @ in ""
    }
    %constant.nan : f32[] = constant(value = nan)
    kernel conv {
      %constant.minf : f32[] = constant(value = -inf)
      %constant.m0.0 : f32[] = constant(value = -0.0)
    }
    %mul : f32[N, 40, 5, 4] = mul(%grad.y, %constant.nan)  @ in ""
    output y = %mul
    output `if` = %constant.nan
    assign packed.w = packed.w
    assign w = packed.w
  }

  entry empty {
  }
}
)");
}

TEST_CASE("parse(print(m)) equals m") {
  const Module module = everything();
  const Module again = parse_text(print(module));
  CHECK(equal(module, again));
  CHECK(print(again, {.locations = false}) == print(module, {.locations = false}));
  const Node& x = again.entries[0].nodes[0];
  CHECK(x.location.str() == "spec.graph:3:7");
  CHECK(again.optimizer.location.str() == "a b.graph:9:4");
  CHECK(again.tensors[0].location.str() == "m.graph:7:13");  // the dump says no other place
  const Module without = parse_text(print(module, {.locations = false}));
  CHECK(equal(module, without));
  CHECK(without.entries[0].nodes[0].location.str() == "m.graph:15:5");
}

TEST_CASE("equal sees every difference but locations") {
  const Module module = everything();
  const auto differs = [&](auto change) {
    Module changed = module;
    change(changed);
    return !equal(module, changed) && !equal(changed, module);
  };
  CHECK(differs([](Module& m) { m.name = "other"; }));
  CHECK(differs([](Module& m) { m.classes.pop_back(); }));
  CHECK(differs([](Module& m) { m.recipe["lr"] = 0.2; }));
  CHECK(differs([](Module& m) { m.recipe["batch_size"] = 256.0; }));
  CHECK(differs([](Module& m) { m.optimizer.name = "adam"; }));
  CHECK(differs([](Module& m) { m.optimizer.hyper.set("momentum", 0.3); }));
  CHECK(differs([](Module& m) { m.predict = "z"; }));
  CHECK(differs([](Module& m) { m.tensors.pop_back(); }));
  CHECK(differs([](Module& m) { m.tensors[0].name = "v"; }));
  CHECK(differs([](Module& m) { m.tensors[0].kind = TensorKind::buffer; }));
  CHECK(differs([](Module& m) { m.tensors[1].type.layout.blocks.pop_back(); }));
  CHECK(differs([](Module& m) { m.tensors[0].initializer.name = "uniform"; }));
  CHECK(differs([](Module& m) { m.tensors[0].initializer.attributes.set("std", 1.0); }));
  CHECK(differs([](Module& m) { m.entries.pop_back(); }));
  CHECK(differs([](Module& m) { m.entries[0].name = "loss"; }));
  CHECK(differs([](Module& m) { m.entries[0].role = EntryRole::loss; }));
  CHECK(differs([](Module& m) { m.entries[0].outputs.pop_back(); }));
  CHECK(differs([](Module& m) { m.entries[0].outputs[0].value = 0; }));
  CHECK(differs([](Module& m) { m.entries[0].outputs[0].name = "z"; }));
  CHECK(differs([](Module& m) { m.entries[0].assigns[0].value = 0; }));
  CHECK(differs([](Module& m) { m.entries[0].assigns[0].tensor = "mean"; }));
  CHECK(differs([](Module& m) { m.entries[0].nodes[3].op = Op::sqrt; }));
  CHECK(differs([](Module& m) { m.entries[0].nodes[3].name = "relu"; }));
  CHECK(differs([](Module& m) { m.entries[0].nodes[3].inputs = {0}; }));
  CHECK(differs([](Module& m) { m.entries[0].nodes[3].layer = "relu"; }));
  CHECK(differs([](Module& m) { m.entries[0].nodes[3].type.shape[1] = 41; }));
  CHECK(differs([](Module& m) { m.entries[0].nodes[6].attributes.set("value", 0.0); }));
  CHECK(differs([](Module& m) { m.entries[0].nodes[3].kernel = -1; }));
  CHECK(differs([](Module& m) { m.entries[0].nodes[3].kernel = 1; }));  // another kernel of the same name
  CHECK(differs([](Module& m) { m.entries[0].kernels[2] = "relu"; }));
  Module moved = module;
  moved.entries[0].nodes[0].location = {};
  std::swap(moved.entries[0].kernels[0], moved.entries[0].kernels[2]);
  moved.entries[0].nodes[2].kernel = moved.entries[0].nodes[3].kernel = 0;
  CHECK(equal(module, moved));
}

TEST_CASE("a dump says no more than it must") {
  const Module module = parse_text(dump(R"(
  # Comments and blank lines mean nothing.

  entry infer {
    x : f32[N, 8, 4, 4] = input()
    y = max_pool(
      x, kernel = 2,
      stride = 2)  # defaults are left out, and so may types be
    output y = y
  })"));
  const Node& y = module.entries.at(0).nodes.at(1);
  CHECK(y.type.shape == Shape{kBatch, 8, 2, 2});
  CHECK(y.layer == "y");
  CHECK(y.attributes.get<std::vector<int64_t>>("pad") == std::vector<int64_t>(4, 0));
  CHECK(print(module.entries[0], y) == "y : f32[N, 8, 2, 2] = max_pool(x, kernel = 2, stride = 2)");
}

TEST_CASE("--optimizer replaces that of a dump before its training entries are derived") {
  const std::string text = dump("\n  train sgd()\n  entry model {\n  }");
  CHECK(parse_text(text, {.optimizer = "adam"}).optimizer.name == "adam");
}

}  // namespace rnc
