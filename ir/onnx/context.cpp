#include "ir/onnx/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/text/declarations.h"
#include "ir/text/lexer.h"

namespace rnc::onnx {

std::string plain_name(std::string_view name) {
  std::string plain;
  while (!name.empty()) {
    const size_t length = text::utf8_length(name);  // 0: no text
    const size_t taken = std::max<size_t>(length, 1);
    if (plain.size() + taken > text::kMaxNameBytes / 2) break;
    const char c = name.front();
    const bool cannot = length == 0 || static_cast<unsigned char>(c) < ' ' || c == '\x7f' || c == '`';
    plain += cannot ? "_" : name.substr(0, taken);
    name.remove_prefix(taken);
  }
  if (plain.starts_with('%')) plain[0] = '_';
  return plain.empty() ? "_" : plain;
}

Sizes sizes_of(const Shape& node, const Groups& groups) {
  const Sizes factors = sizes_of(node);
  Sizes sizes;
  for (const auto& group : groups) {
    Size size{1, 0};
    for (const int64_t axis : group) size = product(size, factors.at(static_cast<size_t>(axis))).value();
    sizes.push_back(size);
  }
  return sizes;
}

void Context::spend(int64_t elements) {
  constexpr int64_t kMost = int64_t{1} << 24;
  spent_ += elements;
  if (spent_ > kMost) throw TooManyConstants{};
}

std::string Context::free_name(const std::string& wanted) {
  return names_.take(wanted) ? wanted : names_.numbered(wanted + ".", 1);
}

ValueId Context::tensor(const Constant& value, TensorKind kind, Initializer initializer) {
  const auto [it, is_new] = tensors_.try_emplace(value.tensor, module_.tensors.size());
  if (!is_new) {
    Tensor& known = module_.tensors[it->second];
    if (kind == TensorKind::parameter && !statistics_.contains(known.name)) known.kind = kind;
    return builder_.state(known.name);
  }
  // Names that differ in what the language has no words for are one there.
  std::string name = plain_name(value.tensor);
  if (!tensor_names_.insert(name).second) tensor_names_.insert(name = free_name(name));
  if (const auto made = new_tensors.find(value.tensor); made != new_tensors.end())
    initializer = made->second;
  else
    values_[name] = value.reals;
  text::add_tensor(
      module_,
      {.name = name, .kind = kind, .type = {.shape = value.shape}, .initializer = std::move(initializer)});
  return builder_.state(module_.tensors.back().name);
}

ValueId Context::statistics(Constant value, const std::string& layer, std::string_view part,
                            Initializer initializer) {
  const bool is_taken = tensors_.contains(value.tensor);
  if (value.tensor.empty() || is_taken) value.tensor = free_name(fmt::format("{}.{}", layer, part));
  const ValueId made = tensor(value, TensorKind::buffer, std::move(initializer));
  statistics_.insert(graph_[made].name);
  return made;
}

ValueId Context::numbers(const Constant& value) {
  if (value.elements() == 0) throw UserError({}, "a tensor without elements is no operand");
  for (const Size& size : value.whole)
    if (!size.fixed()) throw UserError({}, "the size of the batch is no operand of real numbers");
  spend(value.elements());
  std::vector<double> values;
  for (int64_t i = 0; i < value.elements(); ++i) values.push_back(value.real(i));
  if (std::ranges::all_of(values, [&](double v) { return v == values[0]; })) values.resize(1);
  if (values.size() == 1 && value.elements() == 1 && value.shape.empty()) return builder_.constant(values[0]);
  Attributes attributes;
  attributes.set("values", std::move(values));
  if (!value.shape.empty()) attributes.set("shape", value.shape);
  return builder_.emit(Op::constants, {}, std::move(attributes));
}

ValueId Context::ones_of_batch(int rank) {
  const auto is_batched = [](const Node& node) { return node.op == Op::input && has_batch(node.type.shape); };
  const auto input = std::ranges::find_if(graph_.nodes, is_batched);
  if (input == graph_.nodes.end()) return kNoValue;
  auto reference = static_cast<ValueId>(input - graph_.nodes.begin());
  if (!is_real(graph_[reference].type.dtype)) reference = builder_.emit(Op::cast, {reference});
  Attributes flat;
  flat.set("shape", Shape{kBatch, elements_per_sample(graph_[reference].type.shape)});
  Attributes first;
  first.set("begin", int64_t{0});
  first.set("end", int64_t{1});
  const ValueId rows = builder_.emit(Op::reshape, {reference}, std::move(flat));
  const ValueId column = builder_.emit(Op::slice, {rows}, std::move(first));
  const ValueId one = builder_.constant(1);
  const ValueId ones = builder_.emit(Op::expand_as, {one, column});
  Shape shape(static_cast<size_t>(rank), 1);
  shape[0] = kBatch;
  if (rank == 2) return ones;
  Attributes attributes;
  attributes.set("shape", shape);
  return builder_.emit(Op::reshape, {ones}, std::move(attributes));
}

}  // namespace rnc::onnx
