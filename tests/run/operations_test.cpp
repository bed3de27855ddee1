// Every operation alone, compiled for each CPU this machine can run, against the reference interpreter:
// channel counts around vector widths, kernels of 1x1 to 7x7, maps of 1 to 15 pixels a side.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "ir/ops/conv_algorithm.h"
#include "ir/ops/op.h"
#include "ir/text/text.h"
#include "tests/run/compiled_model.h"
#include "tests/support/evaluate.h"
#include "tests/support/model_builder.h"
#include "tests/support/random.h"

using namespace rnc;
using namespace rnc::test;

namespace {

using Pair = std::vector<int64_t>;
using AttributeList = std::initializer_list<std::pair<std::string, Attribute>>;

// What the operands of a case are filled with.
enum class Fill : uint8_t {
  normal,
  positive,
  few_values,  // multiples of a half: equal maxima, and zeros
  with_nan,
};

constexpr int64_t kLabels = 3;  // labels are below

// A convolution or pool: shapes and attributes that fit each other.
struct Window {
  int64_t in, out, groups;
  Pair map, kernel, stride, pad, dilation, result;
};

// A module with an entry for each case.
class Cases {
 public:
  // `batch`: the first size of all operands, kBatch or a number.
  Cases(uint64_t seed, int64_t batch) : random_(seed), batch_(batch) { builder_.module.entries.clear(); }

  Module& module() { return builder_.module; }
  Fill fill(const std::string& entry) const { return fills_.at(entry); }
  const std::set<Op>& operations() const { return operations_; }

  void add_all() {
    for (int i = 0; i < 6; ++i) add_convolutions();
    for (int i = 0; i < 3; ++i) add_pools();
    for (int i = 0; i < 4; ++i) add_channels();
    for (int i = 0; i < 5; ++i) add_winograd();
    add_elementwise();
    add_matrix_products();
    add_normalization();
    add_losses();
    add_images();
    for (int i = 0; i < 5; ++i) add_grouped_weight();
  }

 private:
  // An entry that computes `op` of inputs of these types.
  void add(Op op, const std::vector<Type>& operands, AttributeList attributes, Fill fill = Fill::normal) {
    const std::string name = fmt::format("{}_{}", rnc::name(op), module().entries.size());
    module().entries.push_back({.name = name, .role = role_named(name)});
    // Vectors such as biases are parameters, as in networks, or arguments of the entry, which come first.
    // So is whatever has no batch where nothing has.
    std::vector<ValueId> inputs(operands.size());
    std::vector<bool> parameter(operands.size());
    for (const bool now : {false, true}) {
      for (size_t i = 0; i < operands.size(); ++i) {
        const Type& type = operands[i];
        const std::string operand = fmt::format("x{}", i);
        const bool may = type.dtype == DType::f32 && !has_batch(type.shape);
        if (!now) parameter[i] = may && (type.rank() == 1 || batch_ != kBatch) && random_.chance(0.5);
        if (parameter[i] != now) continue;
        inputs[i] = now ? builder_.tensor(name + "." + operand, type.shape)
                        : builder_.input(operand, type.dtype, type.shape);
      }
    }
    builder_.output("y", builder_.op(op, inputs, attributes, "y"));
    fills_[name] = fill;
    operations_.insert(op);
  }

  static Type f32(Shape shape) { return {DType::f32, std::move(shape), {}}; }
  Type images(int64_t channels, const Pair& map, DType dtype = DType::f32) const {
    return {dtype, {batch_, channels, map[0], map[1]}, {}};
  }
  int64_t channels() { return random_.one_of<int64_t>({1, 3, 5, 16, 17, 33}); }
  Pair pair(int64_t low, int64_t high) { return {random_.integer(low, high), random_.integer(low, high)}; }

  // Random, small enough for the interpreter.
  Window window(int64_t largest_kernel, bool pool) {
    for (;;) {
      Window w{channels(), channels(), 1,      pair(1, 15), pair(1, largest_kernel),
               pair(1, 3), {},         {1, 1}, {0, 0}};
      if (random_.chance(0.6)) w.kernel[1] = w.kernel[0];
      if (random_.chance(0.6)) w.stride = {1, 1};
      if (!pool && random_.chance(0.2)) w.dilation = pair(1, 3);
      if (!pool && random_.chance(0.3)) w.groups = w.in = random_.one_of<int64_t>({1, 2, 3, 17});
      if (w.groups > 1) {
        const int64_t per_group = random_.one_of<int64_t>({1, 2, 3, 4, 8, 16});
        w.in *= per_group;
        w.out = w.groups * (random_.chance(0.6) ? per_group : random_.integer(1, 3));
      }
      w.pad = {random_.integer(0, w.kernel[0] / 2), random_.integer(0, w.kernel[1] / 2)};
      for (size_t d = 0; d < 2; ++d) {
        const int64_t span = w.map[d] + 2 * w.pad[d] - w.dilation[d] * (w.kernel[d] - 1) - 1;
        w.result[d] = span < 0 ? 0 : span / w.stride[d] + 1;
      }
      const int64_t area = w.result[0] * w.result[1];
      const int64_t work = area * w.kernel[0] * w.kernel[1] * w.in / w.groups * w.out;
      if (area > 0 && work < 300'000) return w;
    }
  }

  void add_convolutions() {
    const auto weight = [](const Window& w) {
      return f32({w.out, w.in / w.groups, w.kernel[0], w.kernel[1]});
    };
    Window w = window(7, false);
    std::vector<Type> operands = {images(w.in, w.map), weight(w)};
    if (random_.chance(0.5)) operands.push_back(f32({w.out}));
    add(Op::conv2d, operands,
        {{"stride", w.stride}, {"pad", w.pad}, {"dilation", w.dilation}, {"groups", w.groups}});
    w = window(7, false);
    add(Op::conv2d_input_grad, {images(w.out, w.result), weight(w)},
        {{"stride", w.stride},
         {"pad", w.pad},
         {"dilation", w.dilation},
         {"groups", w.groups},
         {"size", w.map}});
    w = window(7, false);
    add(Op::conv2d_weight_grad, {images(w.out, w.result), images(w.in, w.map)},
        {{"stride", w.stride},
         {"pad", w.pad},
         {"dilation", w.dilation},
         {"groups", w.groups},
         {"kernel", w.kernel}});
  }

  // A weight transformed, and a convolution that uses it.
  void add_winograd() {
    const int64_t in = random_.integer(5, 40), out = channels(), tile = random_.integer(2, 4);
    const int64_t stride = random_.integer(1, 2);
    const Type w = f32({out, in, 3, 3});
    add(Op::winograd_weight, {w}, {{"tile", tile}, {"stride", stride}});
    const std::string algorithm(name(winograd_of(static_cast<int>(tile))));
    add(Op::conv2d, {images(in, pair(1, 13)), w, f32({out})},
        {{"pad", int64_t{1}}, {"stride", stride}, {"algorithm", algorithm}});
    Graph& graph = builder_.graph();
    Node conv = graph.nodes.back();
    graph.nodes.pop_back();
    set_operand(
        conv, "transformed",
        builder_.op(Op::winograd_weight, {conv.inputs[1]}, {{"tile", tile}, {"stride", stride}}, "u"));
    graph.nodes.push_back(conv);
    graph.outputs[0].value = static_cast<ValueId>(graph.nodes.size()) - 1;
  }

  void add_grouped_weight() {
    const int64_t groups = random_.one_of<int64_t>({1, 2, 3, 17}),
                  lanes = random_.one_of<int64_t>({4, 8, 16});
    const int64_t per_group = random_.one_of<int64_t>({1, 2, 3, 4, 8, 16});
    const bool spreads = random_.chance(0.5) && per_group < lanes && lanes % per_group == 0;
    const int64_t out = groups * (spreads ? per_group : random_.integer(1, 20));
    add(Op::grouped_weight, {f32({out, per_group, random_.integer(1, 3), random_.integer(1, 3)})},
        {{"groups", groups},
         {"lanes", lanes},
         {"panel", spreads ? lanes : lanes * random_.integer(1, 3)},
         {"spread", spreads ? per_group : int64_t{0}}});
  }

  void add_pools() {
    const Window w = window(4, true);
    const bool padded = random_.chance(0.5);
    add(Op::max_pool, {images(w.in, w.map)}, {{"kernel", w.kernel}, {"stride", w.stride}, {"pad", w.pad}},
        random_.one_of({Fill::normal, Fill::with_nan}));
    add(Op::max_pool_select, {images(w.in, w.map), images(w.in, w.map)},
        {{"kernel", w.kernel}, {"stride", w.stride}, {"pad", w.pad}},
        random_.one_of({Fill::normal, Fill::few_values}));
    add(Op::max_pool_grad, {images(w.in, w.result), images(w.in, w.map)},
        {{"kernel", w.kernel}, {"stride", w.stride}, {"pad", w.pad}}, Fill::few_values);
    add(Op::avg_pool, {images(w.in, w.map)},
        {{"kernel", w.kernel}, {"stride", w.stride}, {"pad", w.pad}, {"count_include_pad", padded}});
    add(Op::avg_pool_grad, {images(w.in, w.result)},
        {{"kernel", w.kernel},
         {"stride", w.stride},
         {"pad", w.pad},
         {"count_include_pad", padded},
         {"size", w.map}});
    add(Op::global_avg_pool, {images(w.in, w.map)}, {});
    add(Op::global_avg_pool_grad, {images(w.in, {1, 1})}, {{"size", w.map}});
    add(Op::flatten, {images(w.in, w.map)}, {});
    add(Op::reshape, {images(w.in, w.map)}, {{"shape", Pair{batch_, w.map[1], w.in * w.map[0]}}});
  }

  void add_channels() {
    const Type x = images(random_.one_of<int64_t>({3, 8, 16, 24, 32, 40}), pair(1, 7));
    const auto some = [&] { return random_.one_of<int64_t>({0, 1, 4, 8, 12, 16, 19}); };
    add(Op::pad_channels, {x}, {{"before", some()}, {"after", some()}});
    add_along_axes(x);
    const int64_t begin = std::min(some(), x.shape[1] - 1);
    add(Op::slice_channels, {x}, {{"begin", begin}, {"end", std::min(begin + 1 + some(), x.shape[1])}});
  }

  void add_along_axes(const Type& x) {
    const std::vector<Type> values = {x, f32({batch_, channels(), random_.integer(1, 20)}),
                                      f32({batch_, channels()})};
    for (const Type& value : values) {
      const int64_t axis = random_.integer(1, value.rank() - 1);
      const auto at = static_cast<size_t>(axis);
      Type other = value;
      other.shape[at] = channels();
      add(Op::concat, {value, other, value}, {{"axis", random_.chance(0.5) ? axis : axis - value.rank()}});
      const int64_t begin = random_.integer(0, value.shape[at] - 1);
      add(Op::slice, {value},
          {{"axis", axis}, {"begin", begin}, {"end", random_.integer(begin + 1, value.shape[at])}});
      add(Op::pad_axis, {value},
          {{"axis", axis}, {"before", random_.integer(0, 17)}, {"after", random_.integer(0, 17)}});
    }
  }

  void add_elementwise() {
    for (const Op op : {Op::add, Op::sub, Op::mul, Op::div}) {
      const Type x = images(channels(), pair(1, 7));
      const Type other = random_.one_of({x, f32({}), f32({x.shape[1]})});
      add(op, random_.chance(0.5) ? std::vector{x, other} : std::vector{other, x}, {}, Fill::positive);
    }
    const Type x = images(channels(), pair(1, 7));
    add(Op::sqrt, {x}, {}, Fill::positive);
    add(Op::rsqrt, {x}, {}, Fill::positive);
    add(Op::relu, {x}, {}, Fill::with_nan);
    add(Op::relu_grad, {x, x}, {}, Fill::few_values);
    add_activations(x);
    add_comparisons(x);
    add(Op::expand_as, {random_.one_of({x, f32({}), f32({x.shape[1]})}), x}, {});
    add(Op::complement, {f32({})}, {});
    add(Op::bias_correction, {f32({}), f32({})}, {}, Fill::positive);
    add_numbers();
  }

  void add_activations(const Type& x) {
    for (const Op op : {Op::exp, Op::tanh, Op::erf, Op::abs, Op::sign, Op::square, Op::sigmoid, Op::silu,
                        Op::relu6, Op::hardsigmoid, Op::hardswish, Op::mish})
      add(op, {x}, {}, random_.one_of({Fill::normal, Fill::with_nan, Fill::few_values}));
    add(Op::log, {x}, {}, Fill::positive);
    add(Op::leaky_relu, {x}, {{"slope", 0.2}}, Fill::with_nan);
    add(Op::prelu, {x, f32({x.shape[1]})}, {}, Fill::with_nan);
    add(Op::elu, {x}, {{"alpha", 0.7}}, Fill::with_nan);
    add(Op::gelu, {x}, {{"approximate", std::string("none")}}, Fill::with_nan);
    add(Op::gelu, {x}, {{"approximate", std::string("tanh")}}, Fill::with_nan);
    add(Op::softplus, {x}, {{"beta", 1.5}, {"threshold", 2.0}}, Fill::with_nan);
    add(Op::clip, {x}, {{"min", -0.5}, {"max", 0.7}}, Fill::with_nan);
    for (const double exponent : {0.0, 0.5, 1.7, 3.0, -2.0})
      add(Op::pow, {x}, {{"exponent", exponent}}, Fill::positive);
  }

  void add_comparisons(const Type& x) {
    for (const Op op : {Op::min, Op::max, Op::less, Op::less_equal, Op::greater, Op::greater_equal, Op::equal,
                        Op::not_equal})
      add(op, {x, random_.one_of({x, f32({}), f32({x.shape[1]})})}, {},
          random_.one_of({Fill::few_values, Fill::with_nan}));
    const Type channels = f32({x.shape[1]});
    add(Op::where, {x, channels, x}, {}, Fill::few_values);
    add(Op::where_less, {x, channels, f32({}), x}, {}, Fill::few_values);
    add(Op::where_equal, {channels, f32({}), x, channels}, {}, Fill::few_values);
  }

  // What an optimizer makes of its numbers, which are f64, among themselves and with tensors and f32 scalars.
  void add_numbers() {
    const Type number{DType::f64, {}, {}};
    const auto add_rounded = [&](Op op, const std::vector<Type>& operands) {
      add(op, operands, {}, Fill::positive);
      Output& output = builder_.graph().outputs[0];  // an entry returns f32
      const ValueId one = builder_.constant(1);
      output.value = builder_.op(Op::mul, {output.value, one}, {}, "rounded");
    };
    for (const Op op : {Op::add, Op::sub, Op::mul, Op::div, Op::relu_grad, Op::bias_correction})
      add_rounded(op, {number, number});
    for (const Op op : {Op::complement, Op::sqrt, Op::relu}) add_rounded(op, {number});
    for (const Op op : {Op::add, Op::sub, Op::mul, Op::div}) {
      for (const Type& other : {f32({}), f32({channels()}), images(channels(), pair(1, 7))})
        add(op, random_.chance(0.5) ? std::vector{number, other} : std::vector{other, number}, {},
            Fill::positive);
    }
  }

  void add_matrix_products() {
    for (int i = 0; i < 2; ++i) {
      const int64_t in = channels(), out = channels();
      std::vector<Type> operands = {f32({batch_, in}), f32({out, in})};
      if (i == 0) operands.push_back(f32({out}));
      add(Op::linear, operands, {});
    }
    const int64_t k = channels(), n = channels();
    add(Op::matmul, {f32({batch_, k}), f32({k, n})}, {});
    add(Op::matmul, {f32({batch_, k}), f32({n, k})}, {{"transpose_b", true}});
    add(Op::matmul, {f32({batch_, k}), f32({batch_, n})}, {{"transpose_a", true}});
  }

  void add_normalization() {
    for (const char* mode : {"train", "eval"}) {
      const Type x = images(channels(), pair(1, 9)), c = f32({x.shape[1]});
      add(Op::batch_norm, {x, c, c, c, c}, {{"mode", std::string(mode)}}, Fill::positive);
      add(Op::channel_mean, {x}, {});
      add(Op::channel_variance, {x}, {});
      add(Op::channel_sum, {x}, {});
      add(Op::element_count, {x}, {});
    }
    for (const Op op : {Op::channel_mean, Op::channel_variance, Op::channel_sum, Op::element_count}) {
      add(op, {f32({batch_, channels()})}, {});
      add(op, {f32({batch_, channels(), random_.integer(1, 20)})}, {});
    }
  }

  void add_losses() {
    const Type logits = f32({batch_, random_.one_of<int64_t>({kLabels, 10, 33})});
    const Type label{DType::i32, {batch_}, {}};
    const double smoothing = random_.one_of({0.0, 0.1});
    add(Op::softmax, {logits}, {});
    add(Op::softmax_grad, {logits, logits}, {});
    add(Op::cross_entropy, {logits, label}, {{"label_smoothing", smoothing}});
    add(Op::cross_entropy_grad, {f32({}), logits, label}, {{"label_smoothing", smoothing}});
  }

  void add_images() {
    const std::vector<double> three = {0.2, 0.3, 0.4};
    add(Op::normalize, {images(3, pair(1, 15), DType::u8)}, {{"mean", three}, {"std", three}});
    add(Op::resize, {images(channels(), pair(1, 15))}, {{"size", pair(1, 15)}});
    add(Op::resize, {images(3, pair(1, 15), DType::u8)}, {{"size", pair(1, 15)}});
    // an entry returns f32
    const ValueId resized = builder_.graph().outputs[0].value;
    const std::vector<double> zeros(3, 0), ones(3, 1);
    builder_.graph().outputs[0].value =
        builder_.op(Op::normalize, {resized}, {{"mean", zeros}, {"std", ones}}, "floats");
  }

  Random random_;
  int64_t batch_;
  ModelBuilder builder_;
  std::map<std::string, Fill> fills_;
  std::set<Op> operations_;
};

double value(Random& random, Fill fill) {
  switch (fill) {
    case Fill::positive:
      return random.uniform(0.5, 1.5);
    case Fill::few_values:
      return std::round(2 * random.normal()) / 2;
    case Fill::with_nan:
      if (random.chance(0.05)) return std::numeric_limits<double>::quiet_NaN();
      [[fallthrough]];
    case Fill::normal:
      return random.normal();
  }
  unreachable("fill");
}

Tensors operands(const Graph& graph, int64_t batch, Fill fill, Random& random) {
  Tensors tensors;
  for (const Node& node : graph.nodes) {
    if (node.op != Op::input && node.op != Op::state) continue;
    TensorData& data = tensors[node.name];
    data.shape = concrete(node.type.shape, batch);
    data.values.resize(static_cast<size_t>(elements_per_sample(data.shape)));
    for (double& x : data.values) {
      switch (node.type.dtype) {
        case DType::f32:
          x = static_cast<double>(static_cast<float>(value(random, fill)));
          break;
        case DType::u8:
          x = static_cast<double>(random.integer(0, 255));
          break;
        case DType::i32:
          x = static_cast<double>(random.integer(0, kLabels - 1));
          break;
        default:
          x = value(random, fill);
      }
    }
  }
  return tensors;
}

// The cases of `seed`, each alone, for one CPU.
void check_operations(uint64_t seed, const std::string& cpu, int64_t first_size) {
  CAPTURE(cpu);
  CAPTURE(seed);
  Cases cases(seed, first_size);
  cases.add_all();
  for (const Op op : all_ops()) {
    CAPTURE(rnc::name(op));
    const bool alone = op != Op::input && op != Op::state && op != Op::constant && op != Op::relayout;
    CHECK(cases.operations().contains(op) == alone);
  }
  const CompiledModel model(cases.module(), cpu);
  Random random(seed);
  for (const Graph& graph : cases.module().entries) {
    CAPTURE(graph.name);
    for (const int64_t batch : {1, 2, 5, 16}) {
      if (first_size != kBatch && batch > 1) continue;
      CAPTURE(batch);
      const Tensors inputs = operands(graph, batch, cases.fill(graph.name), random);
      const Tensors expected = interpret(graph, batch, inputs, inputs).outputs;
      const auto run = [&](int threads) {
        return Tensors{{"y", model.run(graph.name, inputs, inputs, 1, threads).at("y")}};
      };
      const Tensors result = run(1);
      const double error = relative_error(result, expected, nullptr, 1e-2);
      CAPTURE(print(graph, graph.nodes.back()));
      CHECK(error < 1e-4);
      for (const int threads : {2, 3, 7}) CHECK(same_bits(result, run(threads)));
    }
  }
}

}  // namespace

TEST_CASE("operations: compiled code computes what the interpreter does, for any number of threads") {
  uint64_t seed = first_seed();
  for (const std::string& cpu : runnable_cpus()) check_operations(++seed, cpu, kBatch);
}

TEST_CASE("operations on values without a batch, as those of parameters, whose first size is a number") {
  uint64_t seed = first_seed();
  for (const std::string& cpu : runnable_cpus()) {
    for (const int64_t size : {1, 3, 8}) check_operations(++seed, cpu, size);
  }
}
