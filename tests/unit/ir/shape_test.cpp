// Shape rules: what they give, and the full text of every complaint.
#include <doctest/doctest.h>

#include "tests/support/model_builder.h"

using namespace rnc;
using rnc::test::ModelBuilder;

namespace {

using Pair = std::vector<int64_t>;
using List = std::initializer_list<std::pair<std::string, Attribute>>;

// Emits one operation on tensors of the given types: the type of its result, or the error.
std::string result(Op op, const std::vector<Type>& operands, List list = {},
                   std::optional<uint8_t> optional = {}) {
  ModelBuilder m;
  try {
    std::vector<ValueId> values;
    for (const Type& type : operands) {
      values.push_back(m.input("x" + std::to_string(values.size()), type.dtype, type.shape));
    }
    Attributes attributes;
    for (const auto& [name, value] : list) attributes.set(name, value);
    GraphBuilder builder(m.module, m.graph());
    return str(m.graph()[builder.emit(op, values, attributes, "y", optional)].type);
  } catch (const UserError& error) {
    return error.what();
  }
}

Type f32(Shape shape) { return {DType::f32, std::move(shape), {}}; }
Type u8(Shape shape) { return {DType::u8, std::move(shape), {}}; }
Type i32(Shape shape) { return {DType::i32, std::move(shape), {}}; }
constexpr int64_t N = kBatch;

}  // namespace

TEST_CASE("shapes of elementwise operations") {
  CHECK(result(Op::add, {f32({N, 3, 2, 2}), f32({N, 3, 2, 2})}) == "f32[N, 3, 2, 2]");
  CHECK(result(Op::sub, {f32({3}), f32({N, 3, 2, 2})}) == "f32[N, 3, 2, 2]");
  CHECK(result(Op::mul, {f32({N, 3}), f32({})}) == "f32[N, 3]");
  CHECK(result(Op::div, {f32({}), f32({4})}) == "f32[4]");
  CHECK(result(Op::add, {f32({N, 3, 2, 2}), f32({N, 4, 2, 2})}) ==
        "add: the shapes of f32[N, 3, 2, 2] and f32[N, 4, 2, 2] do not match");
  CHECK(result(Op::add, {f32({2, 3, 3}), f32({2, 3})}) ==
        "add: the shapes of f32[2, 3, 3] and f32[2, 3] do not match");
  CHECK(result(Op::mul, {f32({N}), f32({N, 3})}) == "mul: the shapes of f32[N] and f32[N, 3] do not match");
  CHECK(result(Op::add, {u8({3}), f32({3})}) ==
        "add: the left operand must be f32 of rank 0 or more, not u8[3]");
  CHECK(result(Op::add, {f32({3}), i32({3})}) ==
        "add: the right operand must be f32 of rank 0 or more, not i32[3]");
  CHECK(result(Op::relu, {u8({3})}) == "relu: the operand must be f32 of rank 0 or more, not u8[3]");
  CHECK(result(Op::relu_grad, {f32({N, 3}), f32({N, 4})}) ==
        "relu_grad: the result of relu must be f32[N, 3], not f32[N, 4]");
  CHECK(result(Op::expand_as, {f32({3}), f32({8, 3, 2})}) == "f32[8, 3, 2]");
  CHECK(result(Op::expand_as, {f32({8, 3, 2}), f32({3})}) ==
        "expand_as: f32[8, 3, 2] does not spread over f32[3]");
  CHECK(result(Op::bias_correction, {f32({}), f32({1})}) ==
        "bias_correction: step must be f32[], not f32[1]");
}

TEST_CASE("f64 is for scalars, among themselves; with others they are f32") {
  const Type number{DType::f64, {}, {}};
  CHECK(result(Op::mul, {number, number}) == "f64[]");
  CHECK(result(Op::sqrt, {number}) == "f64[]");
  CHECK(result(Op::complement, {number}) == "f64[]");
  CHECK(result(Op::relu_grad, {number, number}) == "f64[]");
  CHECK(result(Op::bias_correction, {number, number}) == "f64[]");
  CHECK(result(Op::mul, {number, f32({})}) == "f32[]");
  CHECK(result(Op::sub, {f32({N, 3}), number}) == "f32[N, 3]");
  CHECK(result(Op::complement, {f32({})}) == "f32[]");
  CHECK(result(Op::complement, {f32({3})}) == "complement: the operand must be f32[], not f32[3]");
  CHECK(result(Op::bias_correction, {number, f32({})}) == "bias_correction: beta must be f32[], not f64[]");
  CHECK(result(Op::add, {{DType::f64, {3}, {}}, f32({3})}) ==
        "add: the left operand must be f32 of rank 0 or more, not f64[3]");
}

TEST_CASE("shapes of convolutions") {
  const List strided = {{"stride", int64_t{2}}, {"pad", int64_t{3}}};
  CHECK(result(Op::conv2d, {f32({N, 3, 224, 224}), f32({64, 3, 7, 7})}, strided) == "f32[N, 64, 112, 112]");
  CHECK(result(Op::conv2d, {f32({N, 4, 5, 9}), f32({6, 2, 3, 3}), f32({6})},
               {{"groups", int64_t{2}}, {"stride", Pair{1, 2}}, {"dilation", Pair{2, 1}}}) ==
        "f32[N, 6, 1, 4]");
  CHECK(result(Op::conv2d, {f32({N, 3, 8, 8}), f32({8, 4, 3, 3})}) ==
        "conv2d: the input f32[N, 3, 8, 8] has 3 channels but the weight f32[8, 4, 3, 3] takes 4");
  CHECK(result(Op::conv2d, {f32({N, 4, 8, 8}), f32({8, 4, 3, 3})}, {{"groups", int64_t{2}}}) ==
        "conv2d: the input f32[N, 4, 8, 8] has 4 channels but the weight f32[8, 4, 3, 3] takes 8");
  CHECK(result(Op::conv2d, {f32({N, 3, 8, 8}), f32({8, 1, 3, 3})}, {{"groups", int64_t{2}}}) ==
        "conv2d: the 3 input channels are not divisible into 2 groups");
  CHECK(result(Op::conv2d, {f32({N, 4, 8, 8}), f32({7, 2, 3, 3})}, {{"groups", int64_t{2}}}) ==
        "conv2d: the 7 output channels are not divisible into 2 groups");
  CHECK(result(Op::conv2d, {f32({N, 4, 8, 8}), f32({7, 2, 3, 3})}, {{"groups", int64_t{0}}}) ==
        "conv2d: groups must be at least 1, not 0");
  CHECK(result(Op::conv2d, {f32({N, 3, 2, 8}), f32({8, 3, 3, 3})}) ==
        "conv2d: the kernel 3x3 (dilation 1x1) does not fit in the input 2x8 padded by 0x0");
  CHECK(result(Op::conv2d, {f32({N, 3, 8, 8}), f32({8, 3, 3, 3})}, {{"stride", Pair{1, 0}}}) ==
        "conv2d: stride must be at least 1, not 0");
  CHECK(result(Op::conv2d, {f32({N, 3, 8}), f32({8, 3, 3, 3})}) ==
        "conv2d: the input must be f32 of rank 4, not f32[N, 3, 8]");
  CHECK(result(Op::conv2d, {f32({N, 3, 8, 8}), f32({8, 3})}) ==
        "conv2d: the weight must be f32 of rank 4, not f32[8, 3]");
  CHECK(result(Op::conv2d, {f32({N, 3, 8, 8}), f32({8, 3, 3, 3}), f32({3})}) ==
        "conv2d: the bias must be f32[8], not f32[3]");
  CHECK(result(Op::conv2d, {f32({N, 3, 8, 8}), f32({N, 3, 3, 3})}) ==
        "conv2d: the result f32[N, N, 6, 6]: only the first size may be the batch");

  const Type x = f32({N, 8, 8, 8}), w = f32({8, 8, 3, 3}), bias = f32({8}), u = f32({8, 8, 6, 6});
  const auto winograd = [&](std::initializer_list<Type> operands, const char* algorithm, int64_t pad = 1) {
    const uint8_t optional = operands.size() == 4 ? 3 : operands.size() == 3 ? 2 : 0;  // 2: transformed
    return result(Op::conv2d, operands, {{"pad", pad}, {"algorithm", std::string(algorithm)}}, optional);
  };
  CHECK(winograd({x, w, u}, "winograd4") == "f32[N, 8, 8, 8]");
  CHECK(winograd({x, w, bias, u}, "winograd4") == "f32[N, 8, 8, 8]");
  CHECK(winograd({x, w, u}, "auto") ==
        "conv2d: a weight transformed to 6x6 is for algorithm = \"winograd4\"");
  CHECK(winograd({x, w, bias, bias}, "winograd4") ==
        "conv2d: the transformed weight must be f32 of rank 4, not f32[8]");
  CHECK(winograd({x, w, bias, w}, "winograd4") ==
        "conv2d: the transformed weight must be f32[8, 8, 4, 4], not f32[8, 8, 3, 3]");
  CHECK(winograd({x, f32({8, 8, 5, 5}), u}, "winograd4") ==
        "conv2d: the weight must be f32[8, 8, 3, 3], not f32[8, 8, 5, 5]");
  CHECK(winograd({x, w}, "winograd4", 0) ==
        "conv2d: winograd4 cannot compute it: it takes 3x3 convolutions of stride 1 or 2 and pad 1 with more "
        "than 4 channels, without groups");
  CHECK(winograd({x, w}, "fft") ==
        "conv2d: the algorithm must be one of auto, direct, winograd2, winograd3, winograd4, not 'fft'");
  CHECK(result(Op::conv2d, {x, w}, {{"from_batch", int64_t{0}}}) ==
        "conv2d: from_batch must be at least 1, not 0");
  CHECK(result(Op::winograd_weight, {w}, {{"tile", int64_t{3}}}) == "f32[8, 8, 5, 5]");
  CHECK(result(Op::winograd_weight, {w}, {{"tile", int64_t{5}}}) ==
        "winograd_weight: the tile must be 2, 3 or 4, not 5");
  CHECK(result(Op::winograd_weight, {w}, {{"tile", int64_t{2}}, {"stride", int64_t{3}}}) ==
        "winograd_weight: the stride must be 1 or 2, not 3");
  CHECK(result(Op::winograd_weight, {u}, {{"tile", int64_t{2}}}) ==
        "winograd_weight: the weight must be f32[8, 8, 3, 3], not f32[8, 8, 6, 6]");
  CHECK(result(Op::winograd_weight, {f32({N, 3, 3, 3})}, {{"tile", int64_t{2}}}) ==
        "winograd_weight: the weight f32[N, 3, 3, 3] must not depend on the batch");

  const Type grouped = f32({N, 12, 8, 8}), w3 = f32({6, 4, 3, 3});  // of 3 groups
  const auto packed = [](const Type& w, int64_t groups, int64_t lanes, int64_t panel, int64_t spread) {
    return result(Op::grouped_weight, {w},
                  {{"groups", groups}, {"lanes", lanes}, {"panel", panel}, {"spread", spread}});
  };
  CHECK(packed(w3, 3, 4, 4, 0) == "f32[2, 2, 9, 4, 4]");
  CHECK(packed(f32({8, 4, 1, 1}), 2, 8, 8, 4) == "f32[1, 1, 1, 4, 8]");
  CHECK(packed(w3, 4, 4, 4, 0) == "grouped_weight: the 6 outputs are not divisible into 4 groups");
  CHECK(packed(w3, 3, 0, 4, 0) == "grouped_weight: lanes must be at least 1, not 0");
  CHECK(packed(w3, 3, 4, 4, 2) == "grouped_weight: spread must be 0 or the 4 inputs of a group, not 2");
  CHECK(packed(f32({N, 3, 3, 3}), 1, 4, 4, 0) ==
        "grouped_weight: the weight f32[N, 3, 3, 3] must not depend on the batch");
  CHECK(result(Op::conv2d, {grouped, w3, f32({2, 2, 9, 4, 4})}, {{"groups", int64_t{3}}}, uint8_t{4}) ==
        "f32[N, 6, 6, 6]");
  CHECK(result(Op::conv2d, {grouped, w3, f32({2, 2, 8, 4, 4})}, {{"groups", int64_t{3}}}, uint8_t{4}) ==
        "conv2d: the packed weight must be f32[2, 2, 9, 4, 4], not f32[2, 2, 8, 4, 4]");

  CHECK(result(Op::conv2d_input_grad, {f32({N, 8, 4, 4}), f32({8, 3, 3, 3})},
               {{"stride", int64_t{2}}, {"pad", int64_t{1}}, {"size", Pair{8, 7}}}) == "f32[N, 3, 8, 7]");
  CHECK(result(Op::conv2d_input_grad, {f32({N, 8, 4, 4}), f32({8, 3, 3, 3})}, {{"size", int64_t{9}}}) ==
        "conv2d_input_grad: the gradient must be f32[N, 8, 7, 7], not f32[N, 8, 4, 4]");
  CHECK(result(Op::conv2d_input_grad, {f32({N, 8, 4, 4}), f32({8, 3, 3, 3})}) ==
        "conv2d_input_grad: size is missing");
  CHECK(result(Op::conv2d_weight_grad, {f32({N, 8, 4, 4}), f32({N, 3, 8, 7})},
               {{"stride", int64_t{2}}, {"pad", int64_t{1}}, {"kernel", int64_t{3}}}) == "f32[8, 3, 3, 3]");
  CHECK(result(Op::conv2d_weight_grad, {f32({N, 8, 4, 4}), f32({N, 3, 8, 8})}, {{"kernel", int64_t{3}}}) ==
        "conv2d_weight_grad: the gradient must be f32[N, 8, 6, 6], not f32[N, 8, 4, 4]");
}

TEST_CASE("shapes of matrix products") {
  CHECK(result(Op::linear, {f32({N, 5}), f32({3, 5}), f32({3})}) == "f32[N, 3]");
  CHECK(result(Op::linear, {f32({N, 6}), f32({3, 5})}) ==
        "linear: the input f32[N, 6] has 6 features but the weight f32[3, 5] takes 5");
  CHECK(result(Op::linear, {f32({N, 5, 1, 1}), f32({3, 5})}) ==
        "linear: the input f32[N, 5, 1, 1] has 1 features but the weight f32[3, 5] takes 5");
  CHECK(result(Op::linear, {f32({N, 5}), f32({3, 5}), f32({5})}) ==
        "linear: the bias must be f32[3], not f32[5]");
  CHECK(result(Op::matmul, {f32({N, 5}), f32({3, 5})}, {{"transpose_b", true}}) == "f32[N, 3]");
  CHECK(result(Op::matmul, {f32({N, 5}), f32({N, 3})}, {{"transpose_a", true}}) == "f32[5, 3]");
  CHECK(result(Op::matmul, {f32({N, 5}), f32({N, 3})}) ==
        "matmul: f32[N, 5] and f32[N, 3] do not match: 5 columns against N rows");
  CHECK(result(Op::matmul, {f32({2, 5}), f32({4, 6})}, {{"transpose_a", true}, {"transpose_b", true}}) ==
        "matmul: f32[2, 5] transposed and f32[4, 6] transposed do not match: 2 columns against 6 rows");
  CHECK(result(Op::matmul, {f32({3, 5}), f32({N, 5})}, {{"transpose_b", true}}) ==
        "matmul: the batch would become the second dimension of the product of f32[3, 5] and f32[N, 5]");
}

TEST_CASE("shapes of batch norm and channel reductions") {
  const std::vector<Type> operands = {f32({N, 3, 2, 2}), f32({3}), f32({3}), f32({3}), f32({3})};
  CHECK(result(Op::batch_norm, operands) == "f32[N, 3, 2, 2]");
  const char* what[] = {"weight", "bias", "running mean", "running variance"};
  for (size_t i = 1; i < 5; ++i) {
    std::vector<Type> wrong = operands;
    wrong[i] = f32({4});
    CHECK(result(Op::batch_norm, wrong) ==
          "batch_norm: the " + std::string(what[i - 1]) + " must be f32[3], not f32[4]");
  }
  CHECK(result(Op::batch_norm, operands, {{"mode", std::string("test")}}) ==
        "batch_norm: mode must be \"model\", \"train\" or \"eval\", not \"test\"");
  CHECK(result(Op::batch_norm, operands, {{"eps", -1.0}}) == "batch_norm: eps must be at least 0, not -1");
  CHECK(result(Op::batch_norm, operands, {{"momentum", 1.5}}) ==
        "batch_norm: momentum must be between 0 and 1, not 1.5");
  CHECK(result(Op::channel_sum, {f32({N, 3})}) == "f32[3]");
  CHECK(result(Op::channel_mean, {f32({N})}) ==
        "channel_mean: the operand must be f32 of rank 2 or more, not f32[N]");
  CHECK(result(Op::element_count, {f32({N, 3, 2, 2})}) == "f32[]");
  const List two = {{"at_least", int64_t{2}}};
  CHECK(result(Op::channel_variance, {f32({N, 3})}, two) == "f32[3]");
  CHECK(result(Op::channel_variance, {f32({2, 3})}, two) == "f32[3]");
  CHECK(result(Op::channel_variance, {f32({1, 3, 1, 1})}, two) ==
        "channel_variance: f32[1, 3, 1, 1] has fewer than 2 elements per channel");
  CHECK(result(Op::batch_norm, {f32({8, 3, 2}), f32({3}), f32({3}), f32({3}), f32({3})}) == "f32[8, 3, 2]");
}

TEST_CASE("shapes of pooling") {
  CHECK(result(Op::max_pool, {f32({N, 64, 112, 112})},
               {{"kernel", int64_t{3}}, {"stride", int64_t{2}}, {"pad", int64_t{1}}}) ==
        "f32[N, 64, 56, 56]");
  CHECK(result(Op::max_pool, {f32({N, 64, 8, 8})}, {{"kernel", int64_t{3}}}) ==
        "max_pool: stride is missing");
  CHECK(result(Op::max_pool, {f32({N, 64, 8, 8})},
               {{"kernel", int64_t{3}}, {"stride", int64_t{2}}, {"pad", int64_t{2}}}) ==
        "max_pool: pad must be at most half the kernel: 2 against 3");
  CHECK(result(Op::avg_pool, {f32({N, 64, 2, 2})}, {{"kernel", int64_t{3}}, {"stride", int64_t{1}}}) ==
        "avg_pool: the kernel 3x3 (dilation 1x1) does not fit in the input 2x2 padded by 0x0");
  CHECK(result(Op::avg_pool, {u8({N, 64, 2, 2})}, {{"kernel", int64_t{1}}, {"stride", int64_t{1}}}) ==
        "avg_pool: the input must be f32 of rank 4, not u8[N, 64, 2, 2]");
  CHECK(result(Op::max_pool_select, {f32({N, 4, 8, 8}), f32({N, 4, 8, 8})},
               {{"kernel", int64_t{2}}, {"stride", int64_t{2}}}) == "f32[N, 4, 4, 4]");
  CHECK(result(Op::max_pool_select, {f32({N, 4, 4, 4}), f32({N, 4, 8, 8})},
               {{"kernel", int64_t{2}}, {"stride", int64_t{2}}}) ==
        "max_pool_select: the map to select from must be f32[N, 4, 8, 8], not f32[N, 4, 4, 4]");
  CHECK(result(Op::max_pool_grad, {f32({N, 4, 3, 3}), f32({N, 4, 8, 8})},
               {{"kernel", int64_t{2}}, {"stride", int64_t{2}}}) ==
        "max_pool_grad: the gradient must be f32[N, 4, 4, 4], not f32[N, 4, 3, 3]");
  CHECK(result(Op::avg_pool_grad, {f32({N, 4, 4, 4})},
               {{"kernel", int64_t{2}}, {"stride", int64_t{2}}, {"size", int64_t{9}}}) == "f32[N, 4, 9, 9]");
  CHECK(result(Op::avg_pool_grad, {f32({N, 4, 4, 4})},
               {{"kernel", int64_t{2}}, {"stride", int64_t{2}}, {"size", int64_t{7}}}) ==
        "avg_pool_grad: the gradient must be f32[N, 4, 3, 3], not f32[N, 4, 4, 4]");
  CHECK(result(Op::global_avg_pool, {f32({N, 4, 7, 5})}) == "f32[N, 4, 1, 1]");
  CHECK(result(Op::global_avg_pool_grad, {f32({N, 4, 2, 2})}, {{"size", int64_t{2}}}) ==
        "global_avg_pool_grad: the gradient must be f32[N, 4, 1, 1], not f32[N, 4, 2, 2]");
}

TEST_CASE("shapes of added and removed channels") {
  CHECK(result(Op::pad_channels, {f32({N, 16, 4, 5})}, {{"before", int64_t{8}}, {"after", int64_t{7}}}) ==
        "f32[N, 31, 4, 5]");
  CHECK(result(Op::pad_channels, {f32({N, 16, 4, 5})}, {{"before", int64_t{8}}}) ==
        "pad_channels: after is missing");
  CHECK(result(Op::pad_channels, {f32({N, 16, 4, 5})}, {{"before", int64_t{-1}}, {"after", int64_t{0}}}) ==
        "pad_channels: before must be at least 0, not -1");
  CHECK(result(Op::pad_channels, {f32({N, 16})}, {{"before", int64_t{1}}, {"after", int64_t{0}}}) ==
        "pad_channels: the input must be f32 of rank 4, not f32[N, 16]");
  CHECK(result(Op::slice_channels, {f32({N, 16, 4, 5})}, {{"begin", int64_t{3}}, {"end", int64_t{16}}}) ==
        "f32[N, 13, 4, 5]");
  CHECK(result(Op::slice_channels, {f32({N, 16, 4, 5})}, {{"begin", int64_t{3}}, {"end", int64_t{17}}}) ==
        "slice_channels: end is 17, but f32[N, 16, 4, 5] has 16 channels");
  CHECK(result(Op::slice_channels, {f32({N, 16, 4, 5})}, {{"begin", int64_t{3}}, {"end", int64_t{3}}}) ==
        "slice_channels: end must be at least 4, not 3");
  CHECK(result(Op::slice_channels, {f32({N, 16, 4, 5})}, {{"begin", int64_t{-2}}, {"end", int64_t{3}}}) ==
        "slice_channels: begin must be at least 0, not -2");
}

TEST_CASE("shapes of rolls") {
  const auto rolled = [](const Type& type, int64_t axis) {
    return result(Op::roll, {type}, {{"axis", axis}, {"shift", int64_t{-7}}});
  };
  CHECK(rolled(f32({N, 3, 4, 5}), 1) == "f32[N, 3, 4, 5]");
  CHECK(rolled(f32({N, 3}), -1) == "f32[N, 3]");
  CHECK(rolled(f32({4, 3}), 0) == "f32[4, 3]");
  CHECK(rolled(f32({4}), -1) == "f32[4]");
  CHECK(rolled(f32({N, 3}), 0) == "roll: axis 0 of f32[N, 3] is the batch, which is not rolled");
  CHECK(rolled(f32({N, 3}), -2) == "roll: axis -2 of f32[N, 3] is the batch, which is not rolled");
  CHECK(rolled(f32({N}), -1) == "roll: axis -1 of f32[N] is the batch, which is not rolled");
  CHECK(rolled(f32({N}), 1) == "roll: the operand must be f32 of rank 2 or more, not f32[N]");
  CHECK(rolled(f32({N, 3}), 2) == "roll: axis must be 1 to 1, or -1 to -1, for f32[N, 3], not 2");
  CHECK(rolled(f32({4, 3}), -3) == "roll: axis must be 0 to 1, or -1 to -2, for f32[4, 3], not -3");
  CHECK(rolled(f32({}), 0) == "roll: the operand must be f32 of rank 1 or more, not f32[]");
  CHECK(rolled(u8({N, 3}), 1) == "roll: the operand must be f32 of rank 2 or more, not u8[N, 3]");
  CHECK(result(Op::roll, {f32({N, 3})}) == "roll: shift is missing");
}

TEST_CASE("shapes of movements") {
  CHECK(result(Op::flatten, {f32({N, 3, 4, 5})}) == "f32[N, 60]");
  CHECK(result(Op::flatten, {f32({N})}) == "f32[N, 1]");
  CHECK(result(Op::reshape, {f32({N, 3, 4})}, {{"shape", std::vector<int64_t>{-1, 2, 6}}}) == "f32[N, 2, 6]");
  CHECK(result(Op::reshape, {f32({1})}, {{"shape", std::vector<int64_t>{}}}) == "f32[]");
  CHECK(result(Op::reshape, {f32({N, 3, 4})}, {{"shape", std::vector<int64_t>{-1, 2, 5}}}) ==
        "reshape: f32[N, 3, 4] does not have the elements of f32[N, 2, 5]");
  CHECK(result(Op::reshape, {f32({N, 3, 4})}, {{"shape", std::vector<int64_t>{12}}}) ==
        "reshape: f32[N, 3, 4] does not have the elements of f32[12]");
  CHECK(result(Op::reshape, {f32({N, 3, 4})}, {{"shape", std::vector<int64_t>{12, -1}}}) ==
        "reshape: a size must be at least 1, or -1 for the batch in front; shape has -1");
  const std::vector<int64_t> huge(8, int64_t{1} << 31);
  CHECK(result(Op::reshape, {f32({N, 3, 4})}, {{"shape", huge}}) == "reshape: the shape is too large");
  CHECK(result(Op::relayout, {f32({N, 3})}) == "f32[N, 3]");
}

TEST_CASE("shapes of softmax and cross entropy") {
  CHECK(result(Op::softmax, {f32({N, 10})}) == "f32[N, 10]");
  CHECK(result(Op::softmax, {f32({N, 10, 4, 1})}, {{"axis", int64_t{2}}}) == "f32[N, 10, 4, 1]");
  CHECK(result(Op::log_softmax, {f32({N, 10})}, {{"axis", int64_t{0}}}) ==
        "log_softmax: axis must be 1 to 1, or -1 to -1, for f32[N, 10], not 0");
  CHECK(result(Op::softmax_grad, {f32({N, 10}), f32({N, 9})}) ==
        "softmax_grad: the result of softmax must be f32[N, 10], not f32[N, 9]");
  CHECK(result(Op::cross_entropy, {f32({N, 10}), i32({N})}) == "f32[]");
  CHECK(result(Op::cross_entropy, {f32({N, 10, 3, 4}), i32({N, 3, 4})}) == "f32[]");
  CHECK(result(Op::cross_entropy, {f32({N, 10}), f32({N, 10}), f32({10})}) == "f32[]");
  CHECK(result(Op::cross_entropy, {f32({N, 10}), f32({N})}) ==
        "cross_entropy: the logits f32[N, 10] take labels i32[N], or probabilities of their own type, not "
        "f32[N]");
  CHECK(result(Op::cross_entropy, {f32({N, 10}), i32({4})}) ==
        "cross_entropy: the logits f32[N, 10] take labels i32[N], or probabilities of their own type, not "
        "i32[4]");
  CHECK(result(Op::cross_entropy, {f32({N, 10}), i32({N}), f32({9})}) ==
        "cross_entropy: the weight must be f32[10], not f32[9]");
  CHECK(result(Op::cross_entropy, {f32({N, 10}), f32({N, 10})}, {{"ignore_index", int64_t{1}}}) ==
        "cross_entropy: ignore_index is for labels, not probabilities");
  CHECK(result(Op::cross_entropy, {f32({N, 10}), i32({N})}, {{"label_smoothing", int64_t{2}}}) ==
        "cross_entropy: label_smoothing must be between 0 and 1, not 2");
  CHECK(result(Op::cross_entropy_grad, {f32({}), f32({N, 10}), i32({N})}) == "f32[N, 10]");
  CHECK(result(Op::cross_entropy_grad, {f32({N}), f32({N, 10}), i32({N})}) ==
        "cross_entropy_grad: the gradient must be f32[], not f32[N]");
}

TEST_CASE("shapes of image operations") {
  const std::vector<double> three = {0.5, 0.5, 0.5};
  CHECK(result(Op::normalize, {u8({N, 3, 8, 8})}, {{"mean", three}, {"std", three}}) == "f32[N, 3, 8, 8]");
  CHECK(result(Op::normalize, {f32({N, 3, 8, 8})}, {{"mean", three}, {"std", three}}) ==
        "normalize: the image must be u8 of rank 4, not f32[N, 3, 8, 8]");
  CHECK(result(Op::normalize, {u8({N, 1, 8, 8})}, {{"mean", three}, {"std", three}}) ==
        "normalize: mean has 3 values but the image u8[N, 1, 8, 8] has 1 channels");
  CHECK(result(Op::normalize, {u8({N, 1, 8, 8})},
               {{"mean", std::vector<double>{0}}, {"std", std::vector<double>{0}}}) ==
        "normalize: std must be greater than 0, not 0");
  CHECK(result(Op::resize, {u8({N, 1, 28, 28})}, {{"size", int64_t{96}}}) == "u8[N, 1, 96, 96]");
  CHECK(result(Op::resize, {f32({N, 1, 28, 28})}, {{"size", Pair{14, 7}}}) == "f32[N, 1, 14, 7]");
  CHECK(result(Op::resize, {i32({N, 1, 28, 28})}, {{"size", int64_t{96}}}) ==
        "resize: the image must be u8 or f32 of rank 4, not i32[N, 1, 28, 28]");
  CHECK(result(Op::resize, {u8({N, 1, 28, 28})}, {{"size", Pair{0, 2}}}) ==
        "resize: size must be at least 1, not 0");
  CHECK(result(Op::resize, {u8({N, 1, 28, 28})}) == "resize: takes a size or a scale");
}

TEST_CASE("operands and attributes are checked against the operation's row") {
  CHECK(result(Op::relu, {f32({3}), f32({3})}) == "relu: takes 1 operand, not 2");
  CHECK(result(Op::conv2d, {f32({N, 3, 8, 8})}) == "conv2d: takes 2 to 5 operands, not 1");
  const std::vector<Type> conv = {f32({N, 3, 8, 8}), f32({8, 3, 3, 3})};
  CHECK(result(Op::conv2d, conv, {{"strides", int64_t{2}}}) == "conv2d: there is no attribute strides");
  CHECK(result(Op::conv2d, conv, {{"stride", 1.5}}) ==
        "conv2d: stride must be an integer or a pair of integers, none negative, not 1.5");
  CHECK(
      result(Op::conv2d, conv, {{"pad", int64_t{-1}}}) ==
      "conv2d: pad must be an integer, [height, width] or [top, left, bottom, right], none negative, not -1");
  CHECK(result(Op::conv2d, conv, {{"pad", Pair{1, 2, 3}}}) ==
        "conv2d: pad must be an integer, [height, width] or [top, left, bottom, right], none negative, not "
        "[1, 2, 3]");
  CHECK(result(Op::conv2d, conv, {{"groups", true}}) == "conv2d: groups must be an integer, not true");
  CHECK(result(Op::conv2d, conv, {{"pad", int64_t{1} << 62}}) ==
        "conv2d: pad = 4611686018427387904 is too large");
  CHECK(result(Op::matmul, {f32({2, 2}), f32({2, 2})}, {{"transpose_a", int64_t{1}}}) ==
        "matmul: transpose_a must be true or false, not 1");
  CHECK(result(Op::constant, {}, {{"value", std::string("1")}}) ==
        "constant: value must be a number, not \"1\"");
  CHECK(result(Op::constant, {}, {{"value", int64_t{1}}}) == "f32[]");
  CHECK(result(Op::batch_norm, {f32({N, 3}), f32({3}), f32({3}), f32({3}), f32({3})}, {{"mode", true}}) ==
        "batch_norm: mode must be a string, not true");
  CHECK(result(Op::normalize, {u8({N, 1, 2, 2})}, {{"mean", 0.5}, {"std", 0.5}}) == "f32[N, 1, 2, 2]");
  CHECK(result(Op::reshape, {f32({1})}, {{"shape", 1.5}}) ==
        "reshape: shape must be a list of integers, not 1.5");
  CHECK(result(Op::normalize, {u8({N, 2, 2, 2})}, {{"mean", Pair{0, 0}}, {"std", Pair{1, 1}}}) ==
        "f32[N, 2, 2, 2]");
}

TEST_CASE("sizes no machine could hold are refused") {
  constexpr int64_t big = int64_t{1} << 31;
  CHECK(result(Op::relu, {f32({N, big, big})}) == "the input x0 f32[N, 2147483648, 2147483648] is too large");
  CHECK(result(Op::relu, {f32({N, 0})}) == "the input x0 f32[N, 0]: every size must be at least 1");
  CHECK(result(Op::relu, {f32({3, N})}) == "the input x0 f32[3, N]: only the first size may be the batch");
  CHECK(result(Op::matmul, {f32({big, 1}), f32({1, big})}) ==
        "matmul: the result f32[2147483648, 2147483648] is too large");
  CHECK(result(Op::conv2d, {f32({N, 1, 1, 1}), f32({1, 1, 1, 1})}, {{"pad", big}}) ==
        "conv2d: the result f32[N, 1, 4294967297, 4294967297] is too large");
}
