// Lanes past the last channel stay zero whatever an operation makes of zeros: entries are run in the loop
// interpreter, which fails where a call leaves anything there, and compared with the reference interpreter.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/text/text.h"
#include "passes/lower/lower_to_loops.h"
#include "passes/pipeline.h"
#include "tests/support/evaluate.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_program.h"

namespace rnc {
namespace {

const TargetInfo kTargets[] = {{64, 32, true}, {32, 16, true}, {16, 16, false}};

Module parsed(const std::string& text) {
  return parse(std::make_shared<SourceFile>(SourceFile{"m.graph", text}));
}

// Two convolutions of `channels` and ten outputs, `expression` of the first's result `a` between them; w is a
// parameter per channel, p one of rank 4 that has no batch.
std::string network(const std::string& expression, const std::string& train = "sgd()",
                    const std::string& rest = "global_avg_pool(b)", int channels = 12) {
  return fmt::format(R"(model t(image: f32[N, 3, 4, 4], label: i32[N]) {{
  parameter w : f32[{0}] = uniform(1.0)
  a = conv2d(image, {0}, kernel = 1)
  b = conv2d({1}, 10, kernel = 3, pad = 1)
  fc = linear(flatten({3}), 5)
  predict fc
  loss cross_entropy(fc, label)
  train {2}
}}
)",
                     channels, expression, train, rest);
}

// Fails where a call leaves something in padding, or an entry gives another result than it means.
void check_lanes(const std::string& text, std::string_view conv = "direct", const Tensors& settings = {}) {
  CAPTURE(text);
  const Module model = parsed(text);
  Compilation meant{.module = model, .target = kTargets[0], .program = {}, .recompute = {}};
  run_passes(meant, passes_by_name("derive_entries,decompose_losses,linear_to_conv,differentiate"));
  const Tensors tensors = test::random_tensors(meant.module, 7);
  for (TargetInfo target : kTargets) {
    target.conv = parse_conv_rules(conv);
    Compilation lowered{.module = model, .target = target, .program = {}};
    run_passes(lowered, pipeline());
    for (const Graph& graph : meant.module.entries) {
      if (graph.name == "model" || graph.name == "prepare") continue;
      CAPTURE(graph.name);
      CAPTURE(target.lanes(DType::f32));
      Tensors inputs = test::random_inputs(meant.module, graph, 3, 8);
      for (auto& [name, value] : inputs) {
        if (settings.contains(name)) value = settings.at(name);
      }
      const Tensors expected = test::evaluate(meant.module, graph.name, 3, inputs, tensors);
      Tensors result;
      CHECK_NOTHROW(result = test::run_program(lowered.module, *lowered.program, graph.name, 3, inputs,
                                               tensors, {.planned = true}));
      std::string worst;
      const double error = test::relative_error(result, expected, &worst, 1e-2);
      CAPTURE(worst);
      CHECK(error < 1e-4);
    }
  }
}

}  // namespace

TEST_CASE("operations whose result is not zero where their operands are") {
  for (const char* expression :
       {"a", "a + 0.5", "a - 0.5", "0.5 - a", "relu(a + 0.25)", "2.0 / (a * a + 1.0)", "sqrt(a * a + 0.5)",
        "rsqrt(a * a + 0.5)", "1.0 / (a + 9.0)", "a / w", "(a + 0.5) / (w * w + 1.0)", "batch_norm(a + 1.0)",
        "batch_norm(relu(a), eps = 0.0)", "max_pool(a - 9.0, kernel = 3, stride = 1, pad = 1)",
        "avg_pool(a + 0.5, kernel = 3, stride = 1, pad = 1)", "slice_channels(a + 0.5, begin = 2, end = 9)",
        "pad_channels(a + 0.5, before = 1, after = 2)", "a * w + (a + 0.5) * (a - 0.5)"}) {
    check_lanes(network(expression));
  }
}

TEST_CASE("what convolutions by Winograd compute as they load it") {
  for (const char* expression : {"relu(batch_norm(a)) + 0.5", "batch_norm(relu(a), eps = 0.0)"}) {
    check_lanes(network(expression), "winograd4");
  }
}

TEST_CASE("after a global pool, and in rows") {
  check_lanes(network("a", "sgd()", "global_avg_pool(b) + 0.5"));
  check_lanes(network("a", "sgd()", "1.0 / (flatten(global_avg_pool(b)) + 9.0)"));
}

TEST_CASE("slices that end within a vector") {
  for (const int channels : {16, 33}) {
    check_lanes(network("slice_channels(a, begin = 0, end = 15)", "sgd()", "global_avg_pool(b)", channels));
    check_lanes(network("slice_channels(a, begin = 8, end = 13)", "sgd()", "global_avg_pool(b)", channels));
  }
}

TEST_CASE("optimizers that divide by what is zero in padding") {
  const Tensors no_eps = {{"eps", {{}, {0.0}}}};
  for (const char* train :
       {"adam(eps = 0)", "adamw(eps = 0)", "rmsprop(eps = 0)", "rmsprop(eps = 0, centered = true)",
        "lamb(eps = 0, weight_decay = 0.1)", "lars(eps = 0, momentum = 0.9)"}) {
    for (const char* conv : {"direct", "winograd4", "winograd2"})
      check_lanes(network("a", train), conv, no_eps);
  }
}

TEST_CASE("a vector of channels made of a tensor of another rank") {
  check_lanes(network("a * reshape(reshape(w, shape = [12, 1]) * 2.0, shape = [12])"));
}

TEST_CASE("of one channel, values that spread are in all lanes") {
  check_lanes(R"(model t(x: f32[N, 3], same: f32[N, 1]) {
  fc = linear(x, 1)
  predict fc
  loss bce_with_logits(fc, same)
  train sgd()
}
)");
}

TEST_CASE("a class for each pixel, and what is sampled") {
  check_lanes(network("pad(resize(a, size = 5), pads = [0, 1, 1, 0], value = 0.5)"));
  check_lanes(R"(model t(image: f32[N, 3, 4, 4], label: i32[N, 4, 4]) {
  a = conv2d(image, 5, kernel = 1)
  predict a
  loss cross_entropy(log_softmax(a + 0.5), label, label_smoothing = 0.1, ignore_index = 3)
  train sgd()
}
)");
}

TEST_CASE("values that differ from pixel to pixel do not move through a max pool") {
  for (const char* shift : {"b", "mean(x, axes = [2], keepdims = true)", "log_softmax(x, axis = 3)"}) {
    check_lanes(fmt::format(R"(model t(x: f32[N, 8, 5, 4]) {{
  parameter s : f32[8] = uniform(1.0)
  parameter b : f32[5, 4] = uniform(1.0)
  y = max_pool(batch_norm(x * s + {}), kernel = 3, stride = 1, pad = 1)
  predict y
  loss mean(square(y + 0.3))
  train sgd()
}}
)",
                            shift));
  }
}

TEST_CASE("a batch norm behind a linear along another dimension is not folded into it") {
  for (const char* shape : {"[N, 8, 4]", "[N, 8, 5, 4]"}) {
    for (const int outputs : {8, 9}) {
      check_lanes(fmt::format(R"(model t(x: f32{}) {{
  y = batch_norm(linear(x, {}))
  predict y
  loss mean(square(y - 0.2))
  train sgd()
}}
)",
                              shape, outputs));
    }
  }
}

}  // namespace rnc
