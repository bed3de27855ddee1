// Shapes as values, and values made of shapes and constants.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/tensor.h"

namespace rnc::onnx {
namespace {

Constant vector_of(Sizes sizes) {
  const auto count = static_cast<int64_t>(sizes.size());
  return whole_numbers({count}, std::move(sizes));
}

// From opset 15 on, of the dimensions [start, end).
Values shape(Call& call) {
  const Sizes all = call.shape(0);
  const auto rank = static_cast<int64_t>(all.size());
  const auto bound = [&](int64_t given) {
    return std::clamp<int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  const int64_t begin = bound(call.integer("start", 0)), end = bound(call.integer("end", rank));
  return one(vector_of({all.begin() + begin, all.begin() + std::max(begin, end)}));
}

Values size(Call& call) {
  Size count{1, 0};
  for (const Size& size : call.shape(0)) {
    const auto next = product(count, size);
    if (!next) call.refuse("of more elements than there can be");
    count = *next;
  }
  return one(whole_numbers({}, {count}));
}

Values constant(Call& call) {
  if (const auto* value = call.find("value"); value != nullptr && value->has_t()) {
    Constant given = read_tensor(value->t(), "");
    return one(std::move(given));
  }
  if (call.has_attribute("value_float"))
    return one(reals({}, {static_cast<float>(call.real("value_float", 0))}));
  if (call.has_attribute("value_int")) return one(whole_numbers({}, {{call.integer("value_int", 0), 0}}));
  if (call.has_attribute("value_floats")) {
    const std::vector<double> values = call.reals("value_floats");
    return one(reals({static_cast<int64_t>(values.size())}, {values.begin(), values.end()}));
  }
  if (!call.has_attribute("value_ints")) call.refuse("it has no value that is a number");
  Sizes values;
  for (const int64_t value : call.integers("value_ints")) values.push_back({value, 0});
  return one(vector_of(std::move(values)));
}

// One number everywhere; 0 unless the attribute says otherwise.
Values constant_of_shape(Call& call) {
  const auto* given = call.find("value");
  const Constant value = given != nullptr && given->has_t() ? read_tensor(given->t(), "") : reals({1}, {0});
  if (value.elements() != 1) call.refuse("value must be one number");
  const Sizes asked = call.sizes(0, "the shape");
  std::vector<int64_t> shape;
  bool batch = false;
  for (const Size& size : asked) {
    const bool is_batch = shape.empty() && size == Size{0, 1};
    if (!is_batch && !size.fixed()) call.refuse(fmt::format("a shape of {}", str(asked)));
    batch |= is_batch;
    shape.push_back(is_batch ? 1 : size.number);
  }
  if (!elements_of(shape)) call.refuse(fmt::format("of {}: that is too large", str(asked)));
  const Constant all =
      picked(value, std::vector<int64_t>(static_cast<size_t>(*elements_of(shape)), 0), shape);
  if (!batch) return one(all);
  const ValueId ones = call.context().ones_of_batch(static_cast<int>(shape.size()));
  return one(call.emit(Op::mul, {ones, call.context().numbers(all)}));
}

Values range(Call& call) {
  const double start = call.scalar(0, "the start"), limit = call.scalar(1, "the limit"),
               step = call.scalar(2, "the step");
  for (size_t i = 0; i < 3; ++i)
    for (const Size& size : call.constant(i)->whole)
      if (!size.fixed()) call.refuse("bounds that depend on the batch");
  const double count = std::ceil((limit - start) / step);
  if (!(count <= static_cast<double>(kMostFolded))) call.refuse("of too many numbers");
  const auto elements = static_cast<int64_t>(std::max(0.0, count));
  Sizes whole;
  std::vector<float> values;
  for (int64_t i = 0; i < elements; ++i) {
    const double value = start + static_cast<double>(i) * step;
    whole.push_back({static_cast<int64_t>(value), 0});
    values.push_back(static_cast<float>(value));
  }
  return one(call.constant(0)->is_real ? reals({elements}, std::move(values)) : vector_of(std::move(whole)));
}

bool is_real_type(int64_t type) {
  using proto::TensorProto;
  return type == TensorProto::FLOAT || type == TensorProto::DOUBLE || type == TensorProto::FLOAT16 ||
         type == TensorProto::BFLOAT16;
}

// A count of elements that depends on the batch, as a real number.
std::optional<ValueId> count_of_batch(Call& call) {
  const Constant* given = call.constant(0);
  if (given == nullptr || given->is_real || !given->shape.empty() || given->whole[0].fixed()) return {};
  const Size size = given->whole[0];
  const ValueId samples = call.emit(Op::element_count, {call.context().ones_of_batch(2)});
  const ValueId each = call.number(static_cast<double>(size.batches)),
                others = call.number(static_cast<double>(size.number));
  return call.result(Op::add, {call.emit(Op::mul, {samples, each}), others});
}

bool is_whole_type(int64_t type) {
  return type == proto::TensorProto::INT32 || type == proto::TensorProto::INT64;
}

// Values of the graph are real numbers, i32, and images of bytes; a boolean is 1 or 0. Numbers that become whole are i32.
Values cast(Call& call) {
  const int64_t to = call.integer("to", 0);
  if (const Constant* given = call.constant(0); given != nullptr && given->is_weight() && is_real_type(to))
    return one(*given);
  if (is_real_type(to))
    if (const auto count = count_of_batch(call)) return one(*count);
  const ValueId x = call.value(0);
  const bool is_from_real = is_real(call.type(x).dtype);
  if (is_real_type(to)) return one(is_from_real ? x : call.result(Op::cast, {x}));
  if (is_whole_type(to) && call.type(x).dtype == DType::i32) return one(x);
  if (is_whole_type(to)) {
    const ValueId number = is_from_real ? x : call.emit(Op::cast, {x});
    return one(call.result(Op::cast, {number}, attributes({{"to", std::string(name(DType::i32))}})));
  }
  if (to != proto::TensorProto::BOOL) call.refuse(fmt::format("to numbers of type {}", to));
  const ValueId number = is_from_real ? x : call.emit(Op::cast, {x});
  return one(call.result(Op::not_equal, {number, call.number(0)}));
}

Folded fold_cast(const Call& call) {
  Constant value = *call.constant(0);
  const int64_t to = call.integer("to", 0);
  const bool becomes_real = is_real_type(to), becomes_boolean = to == proto::TensorProto::BOOL;
  std::vector<float> values;
  Sizes whole;
  for (int64_t i = 0; i < value.elements(); ++i) {
    const double number = value.real(i);
    const bool fits = std::abs(number) < 0x1p62;
    if (becomes_real && !value.is_real && !value.whole[static_cast<size_t>(i)].fixed()) return {};
    values.push_back(static_cast<float>(number));
    if (becomes_boolean)
      whole.push_back({number != 0 ? 1 : 0, 0});
    else
      whole.push_back(value.is_real ? Size{fits ? static_cast<int64_t>(number) : 0, 0}
                                    : value.whole[static_cast<size_t>(i)]);
    if (!becomes_real && !fits) return {};
  }
  return becomes_real ? reals(value.shape, std::move(values)) : whole_numbers(value.shape, std::move(whole));
}

}  // namespace

std::span<const Operator> shape_operators() {
  static constexpr Operator kRows[] = {
      {"Shape", shape},       {"Size", size},
      {"Constant", constant}, {"ConstantOfShape", constant_of_shape},
      {"Range", range},       {"Cast", cast, fold_cast, kEachElement},
  };
  return kRows;
}

}  // namespace rnc::onnx
