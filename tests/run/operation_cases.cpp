#include "tests/run/operation_cases.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/ops/conv_algorithm.h"

namespace rnc::test {

void OperationCases::add_all() {
  for (int i = 0; i < 6; ++i) add_convolutions();
  for (int i = 0; i < 3; ++i) add_pools();
  for (int i = 0; i < 4; ++i) add_channels();
  for (int i = 0; i < 5; ++i) add_winograd();
  add_elementwise();
  for (int i = 0; i < 8; ++i) add_spread();
  for (int i = 0; i < 4; ++i) add_reductions();
  for (int i = 0; i < 4; ++i) add_permutation();
  for (int i = 0; i < 8; ++i) add_rolls();
  for (int i = 0; i < 4; ++i) add_transposed();
  if (batch_ == kBatch) add_masks();
  add_matrix_products();
  add_normalization();
  for (int i = 0; i < 3; ++i) add_losses();
  for (int i = 0; i < 3; ++i) add_sampling();
  add_constants();
  add_images();
  for (int i = 0; i < 5; ++i) add_grouped_weight();
}

// An entry that computes `op` of inputs of these types.
void OperationCases::add(Op op, const std::vector<Type>& operands, AttributeList attributes, Fill fill) {
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

// Random, small enough for the interpreter.
Window OperationCases::window(int64_t largest_kernel, bool pool) {
  for (;;) {
    Window w{channels(), channels(), 1, pair(1, 15), pair(1, largest_kernel), pair(1, 3), {}, {1, 1}, {0, 0}};
    if (random_.chance(0.6)) w.kernel[1] = w.kernel[0];
    if (random_.chance(0.6)) w.stride = {1, 1};
    if (!pool && random_.chance(0.2)) w.dilation = pair(1, 3);
    if (!pool && random_.chance(0.3)) w.groups = w.in = random_.one_of<int64_t>({1, 2, 3, 17});
    if (w.groups > 1) {
      const int64_t per_group = random_.one_of<int64_t>({1, 2, 3, 4, 8, 16});
      w.in *= per_group;
      w.out = w.groups * (random_.chance(0.6) ? per_group : random_.integer(1, 3));
    }
    const auto pads = [&] {
      return Pair{random_.integer(0, w.kernel[0] / 2), random_.integer(0, w.kernel[1] / 2)};
    };
    w.pad = pads();
    const Pair behind = random_.chance(0.5) ? pads() : w.pad;
    w.pad.insert(w.pad.end(), behind.begin(), behind.end());
    for (size_t d = 0; d < 2; ++d) {
      const int64_t span = w.map[d] + w.pad[d] + w.pad[d + 2] - w.dilation[d] * (w.kernel[d] - 1) - 1;
      w.result[d] = span < 0 ? 0 : span / w.stride[d] + 1;
    }
    const int64_t area = w.result[0] * w.result[1];
    const int64_t work = area * w.kernel[0] * w.kernel[1] * w.in / w.groups * w.out;
    if (area > 0 && work < 300'000) return w;
  }
}

void OperationCases::add_convolutions() {
  const auto weight = [](const Window& w) { return f32({w.out, w.in / w.groups, w.kernel[0], w.kernel[1]}); };
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
void OperationCases::add_winograd() {
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
  set_operand(conv, "transformed",
              builder_.op(Op::winograd_weight, {conv.inputs[1]}, {{"tile", tile}, {"stride", stride}}, "u"));
  graph.nodes.push_back(conv);
  graph.outputs[0].value = static_cast<ValueId>(graph.nodes.size()) - 1;
}

void OperationCases::add_grouped_weight() {
  const int64_t groups = random_.one_of<int64_t>({1, 2, 3, 17}), lanes = random_.one_of<int64_t>({4, 8, 16});
  const int64_t per_group = random_.one_of<int64_t>({1, 2, 3, 4, 8, 16});
  const bool spreads = random_.chance(0.5) && per_group < lanes && lanes % per_group == 0;
  const int64_t out = groups * (spreads ? per_group : random_.integer(1, 20));
  add(Op::grouped_weight, {f32({out, per_group, random_.integer(1, 3), random_.integer(1, 3)})},
      {{"groups", groups},
       {"lanes", lanes},
       {"panel", spreads ? lanes : lanes * random_.integer(1, 3)},
       {"spread", spreads ? per_group : int64_t{0}}});
}

void OperationCases::add_pools() {
  const Window w = window(4, true);
  const bool padded = random_.chance(0.5), ceil = random_.chance(0.4);
  Pair maxima = w.result;
  for (size_t d = 0; d < 2 && ceil; ++d) {
    maxima[d] = (w.map[d] + w.pad[d] + w.pad[d + 2] - w.kernel[d] + w.stride[d] - 1) / w.stride[d] + 1;
    if ((maxima[d] - 1) * w.stride[d] >= w.map[d] + w.pad[d]) --maxima[d];
  }
  add(Op::max_pool, {images(w.in, w.map)},
      {{"kernel", w.kernel}, {"stride", w.stride}, {"pad", w.pad}, {"ceil_mode", ceil}},
      random_.one_of({Fill::normal, Fill::with_nan}));
  add(Op::max_pool_select, {images(w.in, w.map), images(w.in, w.map)},
      {{"kernel", w.kernel}, {"stride", w.stride}, {"pad", w.pad}, {"ceil_mode", ceil}},
      random_.one_of({Fill::normal, Fill::few_values}));
  add(Op::max_pool_grad, {images(w.in, maxima), images(w.in, w.map)},
      {{"kernel", w.kernel}, {"stride", w.stride}, {"pad", w.pad}, {"ceil_mode", ceil}}, Fill::few_values);
  add(Op::avg_pool, {images(w.in, w.map)},
      {{"kernel", w.kernel},
       {"stride", w.stride},
       {"pad", w.pad},
       {"ceil_mode", ceil},
       {"count_include_pad", padded}});
  add(Op::avg_pool_grad, {images(w.in, maxima)},
      {{"kernel", w.kernel},
       {"stride", w.stride},
       {"pad", w.pad},
       {"ceil_mode", ceil},
       {"count_include_pad", padded},
       {"size", w.map}});
  add(Op::global_avg_pool, {images(w.in, w.map)}, {});
  add(Op::global_avg_pool_grad, {images(w.in, {1, 1})}, {{"size", w.map}});
  add(Op::flatten, {images(w.in, w.map)}, {});
  add(Op::reshape, {images(w.in, w.map)}, {{"shape", Pair{batch_, w.map[1], w.in * w.map[0]}}});
}

void OperationCases::add_channels() {
  const Type x = images(random_.one_of<int64_t>({3, 8, 16, 24, 32, 40}), pair(1, 7));
  const auto some = [&] { return random_.one_of<int64_t>({0, 1, 4, 8, 12, 16, 19}); };
  add(Op::pad_channels, {x}, {{"before", some()}, {"after", some()}});
  add_along_axes(x);
  const int64_t begin = std::min(some(), x.shape[1] - 1);
  add(Op::slice_channels, {x}, {{"begin", begin}, {"end", std::min(begin + 1 + some(), x.shape[1])}});
}

void OperationCases::add_along_axes(const Type& x) {
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

void OperationCases::add_matrix_products() {
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
  for (int i = 0; i < 3; ++i) {  // many, along one or two dimensions
    Shape many = {batch_};
    if (random_.chance(0.5)) many.push_back(random_.integer(1, 5));
    const bool left = random_.chance(0.5), right = random_.chance(0.5);
    const int64_t rows = channels(), inner = channels(), columns = channels();
    const auto matrices = [&](int64_t a, int64_t b, bool transposed) {
      Shape shape = many;
      shape.insert(shape.end(), {transposed ? b : a, transposed ? a : b});
      return f32(shape);
    };
    add(Op::matmul, {matrices(rows, inner, left), matrices(inner, columns, right)},
        {{"transpose_a", left}, {"transpose_b", right}});
    const int64_t in = channels(), out = channels();
    many.insert(many.end(), {random_.integer(1, 9), in});
    add(Op::linear, {f32(many), f32({out, in}), f32({out})}, {});
  }
}

void OperationCases::add_normalization() {
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

void OperationCases::add_images() {
  const std::vector<double> three = {0.2, 0.3, 0.4};
  add(Op::normalize, {images(3, pair(1, 15), DType::u8)}, {{"mean", three}, {"std", three}});
  add(Op::resize, {images(3, pair(1, 15), DType::u8)}, {{"size", pair(1, 15)}});
  // an entry returns f32
  const ValueId resized = builder_.graph().outputs[0].value;
  const std::vector<double> zeros(3, 0), ones(3, 1);
  builder_.graph().outputs[0].value =
      builder_.op(Op::normalize, {resized}, {{"mean", zeros}, {"std", ones}}, "floats");
}

}  // namespace rnc::test
