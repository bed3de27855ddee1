#include "ir/text/declarations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ir/text/metadata.h"
#include "ir/text/parser.h"
#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

DType evaluate_dtype(const TypeSyntax& syntax) {
  const auto dtype = contract::find_dtype(syntax.dtype);
  if (dtype && contract::graph_use(*dtype) != contract::GraphUse::none) return *dtype;
  const std::string known = contract::tensor_types();
  const std::string hint = suggestion(Wanted::type, syntax.dtype, contract::tensor_type_names());
  throw UserError(syntax.location, fmt::format("unknown element type '{}'{}", syntax.dtype,
                                               hint.empty() ? "; known are " + known : hint));
}

int64_t evaluate_dim(const Expr& dim, bool is_first, Environment& environment) {
  if (dim.kind == Expr::Kind::name && dim.text == "N") {
    if (!is_first) throw UserError(dim.location, "only the first size can be the batch N");
    return kBatch;
  }
  const int64_t size = to_integer(evaluate(dim, environment), dim.location, "a size");
  if (size < 1) throw UserError(dim.location, fmt::format("a size must be at least 1, not {}", size));
  return size;
}

void check_layout(const Type& type, const SourceLocation& location) {
  const int rank = type.rank();
  std::vector<int> order = type.layout.order;
  std::ranges::sort(order);
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<int>(i) || static_cast<int>(order.size()) != rank) {
      throw UserError(
          location,
          fmt::format("the order of a layout must name the dimensions 0 to {} once each", rank - 1));
    }
  }
  if (!contract::well_formed(type.layout, rank)) {
    throw UserError(location,
                    fmt::format("a layout has at most {} blocks, of dimensions that there are and of 1 to {} "
                                "elements per dimension",
                                contract::kMostBlocks, contract::kLargestBlock));
  }
}

void check_size(const Type& type, const SourceLocation& location) {
  int64_t size = bytes(type.dtype);
  for (const int64_t dim : physical_dims(type)) {
    if (dim != kBatch) size = checked_product(size, dim, location, str(type));
  }
}

}  // namespace

Value ConstantEnvironment::lookup(const Expr& name) {
  if (const auto it = constants_.find(name.text); it != constants_.end()) return it->second;
  if (const auto value = predefined_constant(name.text)) return *value;
  std::vector<std::string> known = {"true", "false"};
  for (const auto& [constant, value] : constants_) known.push_back(constant);
  constants_[name.text] = {Poison{}};  // it is said once
  throw UserError(name.location, fmt::format("unknown constant '{}'{}", name.text,
                                             suggestion(Wanted::value, name.text, known)));
}

Value ConstantEnvironment::call(const Expr& call, const std::string&) {
  const std::vector<std::string> known = {"min", "max", "sqrt", "len"};
  if (std::ranges::find(known, call.text) != known.end()) {
    return *call_plain_function(call, evaluate_arguments(call, *this));
  }
  if (find_op(call.text) != nullptr || std::ranges::find(kFunctions, call.text) != kFunctions.end()) {
    throw UserError(call.location, fmt::format("'{}' cannot be used in a constant expression", call.text));
  }
  throw UserError(call.location, fmt::format("unknown function '{}'{}", call.text,
                                             suggestion(Wanted::operation, call.text, known)));
}

Value ConstantEnvironment::tensor_operator(const Expr&, const Value&, const Value&, const std::string&) {
  unreachable("a tensor in a constant expression");
}

Constants evaluate_constants(const Library& library, const std::map<std::string, std::string>& set,
                             Errors& errors) {
  ConstantEnvironment environment(&errors);
  std::vector<std::string> known;
  for (const Item& constant : library.constants) {
    known.push_back(constant.name);
    environment.constants()[constant.name] = {Poison{}};
    environment.attempt(constant.location, [&] {
      if (predefined_constant(constant.name)) {
        throw UserError(constant.location,
                        fmt::format("{} has a meaning of its own and cannot be defined", constant.name));
      }
      const auto replaced = set.find(constant.name);
      const auto text = replaced == set.end()
                            ? nullptr
                            : std::make_shared<SourceFile>(
                                  SourceFile{fmt::format("--set {}", constant.name), replaced->second});
      environment.constants()[constant.name] =
          text ? evaluate(parse_expression(text), environment) : evaluate(*constant.value, environment);
    });
  }
  for (const auto& [name, text] : set) {
    if (std::ranges::find(known, name) == known.end()) {
      environment.report(UserError({}, fmt::format("--set {}={}: there is no constant '{}'{}", name, text,
                                                   name, suggestion(Wanted::other, name, known))));
    }
  }
  return std::move(environment.constants());
}

Optimizer parse_optimizer(const std::string& text) {
  ConstantEnvironment environment(nullptr);
  const auto source = std::make_shared<SourceFile>(SourceFile{"--optimizer", text});
  return make_optimizer(parse_expression(source), environment);
}

Type evaluate_type(const TypeSyntax& syntax, Environment& environment) {
  Type type{.dtype = evaluate_dtype(syntax), .layout = syntax.layout};
  for (const Expr& dim : syntax.dims) {
    type.shape.push_back(evaluate_dim(dim, type.shape.empty(), environment));
  }
  check_layout(type, syntax.location);
  check_size(type, syntax.location);
  return type;
}

void add_tensor(Module& module, Tensor tensor) {
  const bool prepared = tensor.kind == TensorKind::prepared && is_stored_only(tensor.type);
  if (contract::graph_use(tensor.type.dtype) != contract::GraphUse::real && !prepared) {
    throw UserError(tensor.location,
                    fmt::format("{}: a tensor must be {}, not {}", tensor.name,
                                contract::names(contract::GraphUse::real), name(tensor.type.dtype)));
  }
  if (has_batch(tensor.type.shape)) {
    throw UserError(tensor.location,
                    fmt::format("{}: the size of a tensor cannot depend on the batch", tensor.name));
  }
  if (std::ranges::any_of(tensor.type.shape, [](int64_t size) { return size < 1; })) {
    throw UserError(tensor.location,
                    fmt::format("{}: every size of {} must be at least 1", tensor.name, str(tensor.type)));
  }
  check_size(tensor.type, tensor.location);
  if (module.tensors.size() >= kMaxTensors) {
    throw LimitExceeded{
        {tensor.location, fmt::format("the model is too large: more than {} tensors", kMaxTensors), {}}};
  }
  module.tensors.push_back(std::move(tensor));
}

TensorKind tensor_kind(std::string_view word) {
  for (const TensorKind kind : {TensorKind::parameter, TensorKind::buffer, TensorKind::slot,
                                TensorKind::gradient, TensorKind::prepared}) {
    if (word == name(kind)) return kind;
  }
  unreachable("the parser knows the kinds of tensors");
}

std::string layer_of(const std::string& node) { return node.starts_with('%') ? node.substr(1) : node; }

std::string usual_parameter(TensorKind kind, const std::string& tensor) {
  const bool belongs = kind == TensorKind::gradient || kind == TensorKind::slot;
  return belongs ? tensor.substr(tensor.find('.') + 1) : "";
}

std::string usual_layer(Op op, const std::string& node) { return op == Op::constant ? "" : layer_of(node); }

}  // namespace rnc::text
