// Gradients against central differences of the interpreter.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "ir/graph/interpreter.h"
#include "ir/graph/verifier.h"
#include "passes/passes.h"
#include "tests/support/model_builder.h"
#include "tests/support/plain_functions.h"
#include "tests/support/random.h"

using namespace rnc;
using rnc::test::ModelBuilder;

namespace {

// f32 in [-1, 1), u8 in 0..255, labels 0 or 1.
TensorData random_value(test::Random& random, const Type& type, int64_t batch) {
  TensorData data{concrete(type.shape, batch), {}};
  for (int64_t i = 0; i < elements_per_sample(data.shape); ++i) {
    data.values.push_back(type.dtype == DType::f32
                              ? random.uniform(-1, 1)
                              : static_cast<double>(random.integer(0, type.dtype == DType::u8 ? 255 : 1)));
  }
  return data;
}

// Differentiates the entry "train" of `module` and compares the gradient of every parameter, at random
// values, with (loss(p + h) - loss(p - h)) / 2h. Tensors whose name ends in "_positive" take values in
// [0.5, 1.5).
void check_gradients(Module module, int64_t batch = 2) {
  test::Random random(7);
  const Graph train = *module.find_entry("train");
  Tensors inputs;
  Tensors tensors;
  for (const Node& node : train.nodes) {
    if (node.op == Op::input) inputs[node.name] = random_value(random, node.type, batch);
  }
  for (const Tensor& tensor : module.tensors) {
    TensorData& data = tensors[tensor.name] = random_value(random, tensor.type, batch);
    for (double& v : data.values) {
      if (tensor.name.ends_with("_positive") || tensor.name.ends_with("running_var")) v = 1 + v / 2;
    }
  }
  module.optimizer.name = "sgd";
  const std::vector<Tensor> before = module.tensors;
  CHECK(differentiate(module));
  CHECK_FALSE(differentiate(module));
  verify(module);
  const Interpretation backward = interpret(*module.find_entry("backward"), batch, inputs, tensors);

  constexpr double h = 1e-5;
  for (const Tensor& tensor : before) {
    if (tensor.kind != TensorKind::parameter) continue;
    CAPTURE(tensor.name);
    const TensorData& gradient = backward.assigned.at("grad." + tensor.name);
    REQUIRE(gradient.shape == tensor.type.shape);
    double largest = 0;
    for (size_t i = 0; i < gradient.values.size(); ++i) {
      double& value = tensors[tensor.name].values[i];
      const double at = value;
      const auto loss_at = [&](double moved) {
        value = moved;
        return interpret(train, batch, inputs, tensors).outputs.at("loss").values[0];
      };
      const double difference = (loss_at(at + h) - loss_at(at - h)) / (2 * h);
      value = at;
      largest = std::max(largest, std::abs(difference));
      if (std::abs(gradient.values[i] - difference) > 1e-8 + 1e-6 * std::abs(difference)) {
        FAIL_CHECK(i, ": ", gradient.values[i], " but the difference is ", difference);
      }
    }
    CHECK(largest > 1e-4);  // else the test shows nothing
  }
}

// The loss of `value` for the gradient tests: a cross entropy of value^2 over all elements of each sample.
// (Squared, as a cross entropy does not see what is added to all its logits.)
void finish(ModelBuilder& m, ValueId value) {
  const Type type = m.graph()[value].type;
  if (type.rank() > 2) value = m.op(Op::flatten, {value});
  value = m.op(Op::mul, {value, value});
  const ValueId label = 0;  // the entry's first node
  m.output("loss", m.op(Op::cross_entropy, {value, label}, {{"label_smoothing", 0.1}}, "loss"));
}

void check_op(const std::function<ValueId(ModelBuilder&)>& build) {
  ModelBuilder m("train");
  m.input("label", DType::i32, {2});
  finish(m, build(m));
  check_gradients(std::move(m.module));
}

}  // namespace

TEST_CASE("gradients of elementwise operations") {
  for (const Op op : {Op::add, Op::sub, Op::mul, Op::div}) {
    CAPTURE(name(op));
    const Shape shapes[][2] = {{{2, 3, 2}, {2, 3, 2}}, {{2, 3, 2}, {3}}, {{3}, {2, 3, 2}}, {{2, 3}, {3}},
                               {{2, 3, 2}, {}},        {{}, {2, 3, 2}},  {{2, 1, 3}, {}}};
    for (const auto& [left, right] : shapes) {
      CAPTURE(str(left));
      CAPTURE(str(right));
      check_op([&](ModelBuilder& m) {
        const ValueId a = m.tensor("a", left);
        return m.op(op, {a, m.tensor("b_positive", right)});
      });
    }
  }
  for (const Op op : {Op::sqrt, Op::rsqrt}) {
    CAPTURE(name(op));
    check_op([&](ModelBuilder& m) { return m.op(op, {m.tensor("a_positive", {2, 3})}); });
  }
  check_op([](ModelBuilder& m) { return m.op(Op::relu, {m.tensor("a", {2, 8})}); });
}

TEST_CASE("gradients of scalar and per-channel operands of each other") {
  check_op([](ModelBuilder& m) {
    const ValueId scale = m.op(Op::mul, {m.tensor("a", {3}), m.tensor("b", {})});
    return m.op(Op::mul, {m.tensor("x", {2, 3}), scale});
  });
}

TEST_CASE("gradients of activations and other functions of one element") {
  using AttributeList = std::vector<std::pair<std::string, Attribute>>;
  std::vector<std::pair<Op, AttributeList>> cases = {{Op::leaky_relu, {{"slope", 0.3}}},
                                                     {Op::elu, {{"alpha", 0.7}}},
                                                     {Op::gelu, {}},
                                                     {Op::gelu, {{"approximate", std::string("tanh")}}},
                                                     {Op::softplus, {{"beta", 2.0}, {"threshold", 3.0}}},
                                                     {Op::clip, {{"min", -0.4}, {"max", 0.6}}},
                                                     {Op::pow, {{"exponent", 3.0}}}};
  for (const Op op : test::plain_functions())
    if (!info(op).formula->derivative(0).is(0)) cases.push_back({op, {}});  // it is not flat
  for (const auto& [op, list] : cases) {
    CAPTURE(name(op));
    Attributes attributes;
    for (const auto& [key, value] : list) attributes.set(key, value);
    for (const double scale : {1.0, 4.0}) {
      check_op([&, op = op](ModelBuilder& m) {
        const ValueId x = m.op(Op::mul, {m.tensor("x", {2, 3, 2}), m.constant(scale)});
        return m.builder().emit(op, {x}, attributes);
      });
    }
  }
  check_op([](ModelBuilder& m) {
    const ValueId x = m.tensor("x", {2, 3, 2}), one = m.op(Op::add, {m.op(Op::square, {x}), m.constant(0.5)});
    const ValueId powers = m.op(
        Op::mul, {m.op(Op::pow, {one}, {{"exponent", 0.7}}), m.op(Op::pow, {one}, {{"exponent", -2.0}})});
    return m.op(Op::mul, {m.op(Op::log, {one}), powers});
  });
}

TEST_CASE("gradients of functions of several elements, spread over each other") {
  for (const Op op : {Op::min, Op::max, Op::prelu}) {
    CAPTURE(name(op));
    for (const Shape& other : {Shape{2, 3, 2}, Shape{3}, Shape{}}) {
      CAPTURE(str(other));
      check_op([&](ModelBuilder& m) { return m.op(op, {m.tensor("x", {2, 3, 2}), m.tensor("y", other)}); });
    }
  }
  check_op([](ModelBuilder& m) {
    const ValueId x = m.tensor("x", {2, 3, 2}), y = m.tensor("y", {3}), z = m.tensor("z", {2, 3, 2});
    const ValueId greater = m.op(Op::greater, {x, m.constant(0.1)});
    return m.op(Op::where, {greater, m.op(Op::mul, {x, z}), y});
  });
  check_op([](ModelBuilder& m) {
    const ValueId x = m.tensor("x", {2, 3, 2}), y = m.tensor("y", {3});
    return m.op(Op::where_less, {x, m.constant(0.2), m.op(Op::mul, {x, y}), m.tensor("z", {})});
  });
}

TEST_CASE("gradients of reductions over channels, and of what they are spread over") {
  for (const Op op : {Op::channel_sum, Op::channel_mean, Op::channel_variance}) {
    CAPTURE(name(op));
    for (const Shape& shape : {Shape{2, 3}, Shape{2, 3, 4}, Shape{2, 3, 2, 2}}) {
      CAPTURE(str(shape));
      check_op([&](ModelBuilder& m) {
        const ValueId x = m.tensor("x", shape);
        return m.op(Op::mul, {x, m.op(op, {m.op(Op::mul, {x, x})})});
      });
    }
  }
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 3, 2}}) {
    CAPTURE(str(shape));
    check_op([&](ModelBuilder& m) {
      const ValueId a = m.tensor("a", shape), x = m.tensor("x", {2, 3, 2});
      return m.op(Op::mul, {m.op(Op::expand_as, {a, x}), x});
    });
  }
}

TEST_CASE("gradients of reductions along dimensions, and of operands that spread along them") {
  using Axes = std::vector<int64_t>;
  for (const Op op : {Op::sum, Op::mean, Op::amax}) {
    CAPTURE(name(op));
    for (const Axes& axes : {Axes{1}, Axes{-1}, Axes{1, 2}, Axes{2}}) {
      for (const bool keep : {false, true}) {
        check_op([&](ModelBuilder& m) {
          const ValueId x = m.tensor("x", {2, 3, 4, 2});
          const ValueId y = m.op(op, {m.op(Op::mul, {x, x})}, {{"axes", axes}, {"keepdims", keep}});
          return keep ? m.op(Op::mul, {x, y}) : y;
        });
      }
    }
  }
  for (const Shape& shape : {Shape{2, 3, 1, 1}, Shape{1, 3, 4, 1}, Shape{1, 1, 1, 2}, Shape{2, 1, 4, 2}}) {
    CAPTURE(str(shape));
    for (const Op op : {Op::add, Op::sub, Op::mul, Op::max}) {
      check_op([&](ModelBuilder& m) {
        return m.op(op, {m.tensor("x", {2, 3, 4, 2}), m.tensor("y", shape)});
      });
    }
  }
}

TEST_CASE("gradients of means of everything, however many operations stand before them") {
  for (int count = 0; count < 40; ++count) {  // the graph's memory moves as it grows
    CAPTURE(count);
    ModelBuilder m("train");
    ValueId x = m.tensor("x", {2, 3});
    for (int i = 0; i < count; ++i) x = m.op(Op::mul, {x, m.constant(1.01)});
    m.output("loss", m.op(Op::mean, {m.op(Op::square, {x})}, {}, "loss"));
    check_gradients(std::move(m.module));
  }
}

TEST_CASE("gradients of permutations and transposed convolutions") {
  check_op([&](ModelBuilder& m) {
    return m.op(Op::permute, {m.tensor("x", {2, 3, 4, 2})}, {{"order", std::vector<int64_t>{0, 3, 1, 2}}});
  });
  using Pair = std::vector<int64_t>;
  for (const int64_t groups : {1, 2}) {
    check_op([&](ModelBuilder& m) {
      return m.op(
          Op::conv_transpose2d,
          {m.tensor("x", {2, 4, 3, 2}), m.tensor("w", {4, 3, 3, 2}), m.tensor("b", {3 * groups})},
          {{"stride", Pair{2, 1}}, {"pad", Pair{1, 0}}, {"output_pad", Pair{1, 0}}, {"groups", groups}});
    });
  }
}

TEST_CASE("gradients of convolutions") {
  using Pair = std::vector<int64_t>;
  struct Case {
    Shape x, w;
    Pair stride, pad, dilation;
    int64_t groups;
  };
  const Case cases[] = {{{2, 2, 4, 5}, {3, 2, 3, 3}, {1, 1}, {1, 1}, {1, 1}, 1},
                        {{2, 2, 6, 5}, {3, 2, 3, 2}, {2, 1}, {1, 0}, {1, 2}, 1},
                        {{2, 4, 5, 5}, {6, 2, 3, 3}, {2, 2}, {0, 2}, {2, 1}, 2},
                        {{2, 3, 4, 4}, {3, 1, 1, 1}, {2, 2}, {0, 0}, {1, 1}, 3}};
  for (const Case& c : cases) {
    CAPTURE(str(c.w));
    check_op([&](ModelBuilder& m) {
      const ValueId x = m.tensor("x", c.x);
      const ValueId w = m.tensor("w", c.w);
      const ValueId bias = m.tensor("bias", {c.w[0]});
      return m.op(Op::conv2d, {x, w, bias},
                  {{"stride", c.stride}, {"pad", c.pad}, {"dilation", c.dilation}, {"groups", c.groups}});
    });
  }
}

TEST_CASE("gradients of matrix products") {
  check_op([](ModelBuilder& m) {
    return m.op(Op::linear, {m.tensor("x", {2, 5}), m.tensor("w", {3, 5}), m.tensor("bias", {3})});
  });
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      CAPTURE(ta);
      CAPTURE(tb);
      check_op([&](ModelBuilder& m) {
        const ValueId a = m.tensor("a", ta ? Shape{4, 2} : Shape{2, 4});
        const ValueId b = m.tensor("b", tb ? Shape{3, 4} : Shape{4, 3});
        return m.op(Op::matmul, {a, b}, {{"transpose_a", ta}, {"transpose_b", tb}});
      });
    }
  }
}

TEST_CASE("gradients of batch norm with the batch's and with running statistics") {
  for (const char* mode : {"train", "eval"}) {
    for (const Shape& shape : {Shape{2, 3, 2, 3}, Shape{2, 3}}) {
      if (shape.size() == 2 && mode == std::string("train")) continue;  // of two values xhat is the sign
      CAPTURE(mode);
      check_op([&](ModelBuilder& m) {
        const ValueId y = m.batch_norm("bn", m.tensor("x", shape));
        m.graph()[y].attributes.set("mode", std::string(mode));
        return y;
      });
    }
  }
}

TEST_CASE("gradients of pooling") {
  using Pair = std::vector<int64_t>;
  check_op([](ModelBuilder& m) {
    return m.op(Op::max_pool, {m.tensor("x", {2, 2, 5, 6})},
                {{"kernel", int64_t{3}}, {"stride", int64_t{2}}, {"pad", int64_t{1}}});
  });
  for (const bool count_include_pad : {false, true}) {
    check_op([&](ModelBuilder& m) {
      return m.op(Op::avg_pool, {m.tensor("x", {2, 2, 5, 6})},
                  {{"kernel", Pair{3, 2}},
                   {"stride", Pair{2, 1}},
                   {"pad", Pair{1, 0}},
                   {"count_include_pad", count_include_pad}});
    });
  }
  check_op([](ModelBuilder& m) { return m.op(Op::global_avg_pool, {m.tensor("x", {2, 3, 2, 3})}); });
}

TEST_CASE("gradients of resized and padded maps") {
  using Pair = std::vector<int64_t>;
  for (const char* mode : {"nearest", "nearest_exact", "bilinear", "bicubic", "area"}) {
    CAPTURE(mode);
    check_op([&](ModelBuilder& m) {
      return m.op(Op::resize, {m.tensor("x", {2, 2, 5, 3})},
                  {{"size", Pair{3, 7}}, {"mode", std::string(mode)}});
    });
  }
  check_op([&](ModelBuilder& m) {
    return m.op(Op::resize, {m.tensor("x", {2, 2, 5, 3})}, {{"scale", 1.7}, {"align_corners", true}});
  });
  for (const char* mode : {"constant", "reflect", "edge", "circular"}) {
    CAPTURE(mode);
    check_op([&](ModelBuilder& m) {
      return m.op(Op::pad, {m.tensor("x", {2, 2, 3, 4})},
                  {{"pads", Pair{1, 2, 0, 3}},
                   {"mode", std::string(mode)},
                   {"value", mode == std::string("constant") ? 0.5 : 0.0}});
    });
  }
}

TEST_CASE("gradients of many matrix products and of softmax along any dimension") {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      check_op([&](ModelBuilder& m) {
        const ValueId a = m.tensor("a", ta ? Shape{2, 2, 4, 2} : Shape{2, 2, 2, 4});
        const ValueId b = m.tensor("b", tb ? Shape{2, 2, 3, 4} : Shape{2, 2, 4, 3});
        return m.op(Op::matmul, {a, b}, {{"transpose_a", ta}, {"transpose_b", tb}});
      });
    }
  }
  for (const Op op : {Op::softmax, Op::log_softmax}) {
    for (const int64_t axis : {1, 2, -1}) {
      CAPTURE(axis);
      check_op([&](ModelBuilder& m) { return m.op(op, {m.tensor("x", {2, 3, 4, 2})}, {{"axis", axis}}); });
    }
  }
}

TEST_CASE("gradients of added and removed channels") {
  check_op([](ModelBuilder& m) {
    return m.op(Op::pad_channels, {m.tensor("x", {2, 3, 2, 2})},
                {{"before", int64_t{2}}, {"after", int64_t{1}}});
  });
  check_op([](ModelBuilder& m) {
    return m.op(Op::slice_channels, {m.tensor("x", {2, 5, 2, 2})},
                {{"begin", int64_t{1}}, {"end", int64_t{3}}});
  });
}

TEST_CASE("gradients of values put together, cut and lengthened along a dimension") {
  for (const int64_t axis : {1, -1, 2}) {
    check_op([&](ModelBuilder& m) {
      const ValueId x = m.tensor("x", {2, 3, 2}), y = m.op(Op::mul, {x, x});
      return m.op(Op::concat, {x, y, m.tensor("z", {2, 3, 2})}, {{"axis", axis}});
    });
    check_op([&](ModelBuilder& m) {
      const ValueId x = m.tensor("x", {2, 3, 4, 3});
      const ValueId y =
          m.op(Op::pad_axis, {x}, {{"axis", axis}, {"before", int64_t{2}}, {"after", int64_t{1}}});
      return m.op(Op::slice, {y}, {{"axis", axis}, {"begin", int64_t{1}}, {"end", int64_t{4}}});
    });
  }
}

TEST_CASE("gradients of rolls") {
  for (const int64_t shift : {1, -5, 7}) {
    for (const int64_t axis : {0, 1, -1}) {
      check_op([&](ModelBuilder& m) {
        return m.op(Op::roll, {m.tensor("x", {2, 3, 4, 3})}, {{"axis", axis}, {"shift", shift}});
      });
    }
    check_op([&](ModelBuilder& m) {  // of a vector of channels
      const ValueId x = m.tensor("x", {2, 3});
      return m.op(Op::mul,
                  {x, m.op(Op::roll, {m.tensor("w", {3})}, {{"axis", int64_t{0}}, {"shift", shift}})});
    });
  }
}

TEST_CASE("gradients of movements and softmax") {
  check_op([](ModelBuilder& m) {
    const ValueId y = m.op(Op::reshape, {m.tensor("x", {2, 3, 4})}, {{"shape", std::vector<int64_t>{4, 6}}});
    return m.op(Op::reshape, {m.op(Op::flatten, {m.op(Op::relayout, {y})})},
                {{"shape", std::vector<int64_t>{2, 12}}});
  });
  check_op([](ModelBuilder& m) { return m.op(Op::softmax, {m.tensor("x", {2, 4})}); });
}

namespace {

// A whole network around a residual block: stem, block, head.
void check_network(const std::function<ValueId(ModelBuilder&, ValueId)>& block) {
  ModelBuilder m;
  const ValueId image = m.input("image", DType::u8, {kBatch, 2, 5, 5});
  const ValueId label = m.input("label", DType::i32, {kBatch});
  const std::vector<double> half = {0.5, 0.5};
  const ValueId x = m.op(Op::normalize, {image}, {{"mean", half}, {"std", half}}, "x");
  const ValueId stem = m.op(Op::relu, {m.conv("stem", x, 4, 3, 1, 1)});
  const ValueId pooled = m.op(Op::global_avg_pool, {block(m, stem)});
  const ValueId fc = m.linear("fc", m.op(Op::flatten, {pooled}), 3);
  m.output("fc", fc);
  m.output("loss", m.op(Op::cross_entropy, {fc, label}, {}, "loss"));
  m.module.predict = "fc";
  m.module.optimizer.name = "sgd";
  verify(m.module);
  CHECK(derive_entries(m.module));
  CHECK_FALSE(derive_entries(m.module));
  verify(m.module);
  check_gradients(m.module, 3);
}

ValueId shortcut(ModelBuilder& m, ValueId x, int64_t out) {
  return m.batch_norm("downsample.1", m.conv("downsample.0", x, out, 1, 2));
}

}  // namespace

TEST_CASE("gradients of a basic block") {
  check_network([](ModelBuilder& m, ValueId x) {
    const ValueId a = m.op(Op::relu, {m.batch_norm("bn1", m.conv("conv1", x, 5, 3, 2, 1))});
    const ValueId b = m.batch_norm("bn2", m.conv("conv2", a, 5, 3, 1, 1));
    return m.op(Op::relu, {m.op(Op::add, {b, shortcut(m, x, 5)})});
  });
}

TEST_CASE("gradients of a bottleneck") {
  check_network([](ModelBuilder& m, ValueId x) {
    const ValueId a = m.op(Op::relu, {m.batch_norm("bn1", m.conv("conv1", x, 2, 1))});
    const ValueId b = m.op(Op::relu, {m.batch_norm("bn2", m.conv("conv2", a, 2, 3, 2, 1))});
    const ValueId c = m.batch_norm("bn3", m.conv("conv3", b, 8, 1));
    return m.op(Op::relu, {m.op(Op::add, {c, shortcut(m, x, 8)})});
  });
}
