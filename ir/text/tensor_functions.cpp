// Functions of tensors that are no operations: sizes, and parts of them.
#include <fmt/format.h>

#include "ir/text/elaborator.h"

namespace rnc::text {

// channels(x), height(x), width(x), size(x, dimension), rank(x)
std::optional<Value> Elaborator::size_function(const Expr& call, const Arguments& arguments) const {
  const std::string_view function = call.text;
  int64_t dim = function == "channels" ? 1 : function == "height" ? 2 : function == "width" ? 3 : 0;
  const bool any = function == "size", rank = function == "rank";
  if (dim == 0 && !any && !rank) return std::nullopt;
  if (arguments.size() != (any ? 2 : 1) || positional_count(arguments) != arguments.size()) {
    throw UserError(call.location,
                    fmt::format("{}: takes one tensor{}", function, any ? " and a dimension" : ""));
  }
  const auto what = fmt::format("{}: the argument", function);
  const Type& type = graph_[to_tensor(arguments[0].value, arguments[0].syntax->location, what)].type;
  if (rank) return Value{int64_t{type.rank()}};
  if (any) dim = to_integer(arguments[1].value, arguments[1].syntax->location, "size: the dimension");
  if (dim < 0) dim += type.rank();
  if (dim < 0 || dim >= type.rank())
    throw UserError(call.location, fmt::format("{}: {} has no such dimension", function, str(type)));
  const int64_t size = type.shape[static_cast<size_t>(dim)];
  if (size == kBatch) throw UserError(call.location, fmt::format("{}: the batch is no number", function));
  return Value{size};
}

void Elaborator::fail(const Expr& call, const Arguments& arguments) const {
  std::string message;
  for (const Argument& argument : arguments) {
    if (argument.value.is_poison()) throw Poisoned{};
    if (const auto* text = argument.value.get<std::string>()) {
      message += *text;
    } else {
      message += str(to_attribute(argument.value, argument.syntax->location, "fail: an argument"));
    }
  }
  const SourceLocation& caller = frames_.back().call;
  throw UserError(caller ? caller : call.location, message);
}

// split(x, parts, axis = 1): a list of so many equal parts, or of parts of the sizes in a list.
Value Elaborator::split(const Expr& call, const Arguments& arguments) {
  const bool has_axis = arguments.size() == 3 && arguments[2].syntax->keyword == "axis";
  if (arguments.size() < 2 || arguments.size() > 3 || (arguments.size() == 3 && !has_axis))
    throw UserError(call.location, "split: takes a tensor, a number of parts or their sizes, and axis = 1");
  const ValueId x = to_tensor(arguments[0].value, arguments[0].syntax->location, "split: the operand");
  const Value& parts = arguments[1].value;
  const SourceLocation& at = arguments[1].syntax->location;
  const Type type = graph_[x].type;
  int64_t axis = has_axis ? to_integer(arguments[2].value, arguments[2].syntax->location, "split: axis") : 1;
  if (axis < 0) axis += type.rank();
  if (axis < 1 || axis >= type.rank())
    throw UserError(call.location, fmt::format("split: {} has no such axis", str(type)));
  const int64_t size = type.shape[static_cast<size_t>(axis)];
  std::vector<int64_t> sizes;
  if (const auto* list = parts.get<std::shared_ptr<const List>>()) {
    for (const Value& part : **list) sizes.push_back(to_integer(part, at, "split: a size"));
  } else {
    const int64_t count = to_integer(parts, at, "split: the number of parts");
    if (count < 1 || size % count != 0)
      throw UserError(at, fmt::format("split: {} of {} cannot be {} equal parts", size, str(type), count));
    sizes.assign(static_cast<size_t>(count), size / count);
  }
  int64_t sum = 0;
  for (const int64_t part : sizes) {
    if (part < 1 || part > size) throw UserError(at, fmt::format("split: there is no part of {}", part));
    sum += part;
  }
  if (sum != size)
    throw UserError(at, fmt::format("split: the sizes are {} in all, but {} has {}", sum, str(type), size));
  List values;
  int64_t begin = 0;
  for (const int64_t part : sizes) {
    Attributes attributes;
    attributes.set("axis", axis);
    attributes.set("begin", begin);
    attributes.set("end", begin + part);
    const std::string name = generated_name("slice", call.location);
    values.push_back({TensorRef{emit(Op::slice, {x}, std::move(attributes), name, call.location)}});
    begin += part;
  }
  return {std::make_shared<const List>(std::move(values))};
}

}  // namespace rnc::text
