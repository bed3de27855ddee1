// The operation table. Each operation is declared once in ir/ops/ops.def and described by one OpInfo row in
// ir/ops/<family>.cpp: what it takes, its shape rule, its gradient rule and its reference evaluation stand
// together there. How it becomes loops stands in passes/lower/ by its kernel.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph/diagnostics.h"
#include "ir/graph/type.h"
#include "ir/ops/formula.h"

namespace rnc {

enum class Op : uint8_t {
#define RNC_OP(name, family, kernel) name,
#include "ir/ops/ops.def"
#undef RNC_OP
};

using Attribute = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;
std::string str(const Attribute&);  // as the language writes it; doubles round-trip
// The same kind and value. Unlike ==, a NaN is identical to a NaN, and 0.0 is not to -0.0.
bool identical(const Attribute&, const Attribute&);

// Attributes by name, in alphabetical order. get<T> fails a check when the name is missing or of another type.
class Attributes {
 public:
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  template <class T>
  const T& get(std::string_view name) const {
    const auto it = values_.find(name);
    check(it != values_.end(), name);
    check(std::holds_alternative<T>(it->second), name);
    return std::get<T>(it->second);
  }
  void set(std::string name, Attribute value) { values_[std::move(name)] = std::move(value); }
  void erase(const std::string& name) { values_.erase(name); }
  const std::map<std::string, Attribute, std::less<>>& all() const { return values_; }
  bool operator==(const Attributes& other) const;  // the same names with identical values

 private:
  std::map<std::string, Attribute, std::less<>> values_;
};

// What an attribute may hold. `pair` is two integers >= 0 for height and width, held as vector<int64_t>{h, w}; the
// language accepts one integer for both, and prints equal ones so. `sides` is four, {top, left, bottom, right}, where it
// accepts one for all and a pair for both sides of each dimension. `reals` may be given as one number.
enum class AttributeKind : uint8_t { boolean, integer, real, string, pair, sides, integers, reals };
std::string_view describe(AttributeKind kind);  // "an integer"
// As short as the language takes it: a pair of equal integers as one.
Attribute shortened(AttributeKind kind, const Attribute& value);
struct AttributeSpec {
  std::string_view name;
  AttributeKind kind;
  std::optional<Attribute> default_value;  // none: required
  // Says how the result is computed rather than what it is: no part of what a checkpoint fits to.
  bool is_decision = false;
  std::string_view in_specs_as = {};  // where a spec does not give it, it is as this other attribute
};

// A label that is none, and never given.
inline constexpr int64_t kNoLabel = -(int64_t{1} << 31);

// How the fuser and the lowering treat an operation.
enum class OpKind : uint8_t {
  source,       // input, state, constant: no work
  elementwise,  // result[i] from operands at i; rank-1 operands broadcast along dimension 1, scalars everywhere
  reduction,    // per channel over the batch and spatial dimensions: result [C]
  contraction,  // convolutions and matrix products
  window,       // pooling, and what moves along a dimension: images in blocks of channels
  movement,     // reshape, relayout: the same elements elsewhere
  other,
};

struct Node;
class GraphBuilder;
struct EvalContext;

struct OpInfo {
  Op op;
  std::string_view name;  // as in the language
  OpKind kind;
  int min_inputs;
  int max_inputs;  // more than min_inputs: the optional ones, or, where there are none, any number up to it
  std::vector<AttributeSpec> attributes;
  std::vector<std::string_view> optional = {};  // operands that may be absent, behind those that may not
  bool reads_shape_only = false;                // of its operands
  std::string_view doc;                         // one line: what it computes
  std::optional<Formula> formula = {};          // of an elementwise operation: see formula_of
  Formula (*formula_with)(const Attributes& attributes) = nullptr;  // where attributes have a part in it
  bool in_double =
      false;  // kernels compute exponentials and logarithms of the formula in f64, and round its value
  // The type of the result (layout plain). `node` has its attributes complete with defaults; a mismatch
  // throws UserError at node.location naming the op and the shapes.
  Type (*infer)(const Node& node, std::span<const Type> inputs);
  // Emits d(loss)/d(input i) for each input, from `forward` (the node) and `dy` = d(loss)/d(result). kNoValue
  // where an input has no gradient. Null: not differentiable (reaching it with a gradient is a UserError).
  std::vector<int32_t> (*gradient)(GraphBuilder& builder, int32_t forward, int32_t dy);
  // Computes the result naively in double precision.
  void (*evaluate)(EvalContext& context);
};

const OpInfo& info(Op);
// What an elementwise operation computes with these attributes.
Formula formula_of(const OpInfo& op, const Attributes& attributes);
inline std::string_view name(Op op) { return info(op).name; }
const OpInfo* find_op(std::string_view name);  // null when unknown
std::span<const Op> all_ops();

// `given` with defaults filled in and integers turned into what their attributes hold (a real, a pair,
// reals). Throws UserError at `location` for a missing, unknown or ill-typed attribute and for integers
// beyond 2^31.
Attributes complete_attributes(const OpInfo& op, Attributes given, const SourceLocation& location);
// The same for anything else with named arguments; diagnostics call it `what`.
Attributes complete_attributes(std::string_view what, std::span<const AttributeSpec> specs, Attributes given,
                               const SourceLocation& location);
// Whether complete_attributes returns them as they are.
bool is_complete(const OpInfo& op, const Attributes& attributes);

}  // namespace rnc
