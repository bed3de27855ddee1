// What an expression of the language stands for, and the arithmetic on it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph.h"
#include "ir/text/syntax.h"

namespace rnc::text {

struct Value;
using List = std::vector<Value>;

// A number, a boolean, a string, a list, a block (to be called or repeated), or a tensor: a node of the
// graph.
struct TensorRef {
  ValueId node = kNoValue;
};
struct Value {
  std::variant<bool, int64_t, double, std::string, std::shared_ptr<const List>, const Definition*, TensorRef>
      held;

  template <class T>
  const T* get() const {
    return std::get_if<T>(&held);
  }
  bool is_tensor() const { return std::holds_alternative<TensorRef>(held); }
};
// "an integer", "a tensor", ...
std::string_view kind_of(const Value& value);

// What evaluate() needs from its surroundings: the meaning of names and calls, and a limit on the work.
class Environment {
 public:
  virtual ~Environment() = default;
  virtual Value lookup(const Expr& name) = 0;
  // `result_name` is the name that the result is to have in the graph; empty: a generated one.
  virtual Value call(const Expr& call, const std::string& result_name) = 0;
  // An operator of which at least one operand is a tensor. A unary minus has only `left`.
  virtual Value tensor_operator(const Expr& op, const Value& left, const Value& right,
                                const std::string& result_name) = 0;

  // Counts `steps` of work; throws UserError beyond a limit that no honest text comes near.
  void count(const SourceLocation& location, size_t steps = 1);
  // One level of nesting, of expressions and of blocks that call blocks, while it lives.
  class Level {
   public:
    Level(Environment& environment, const SourceLocation& location);
    ~Level() { --environment_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Environment& environment_;
  };

 private:
  size_t steps_ = 0;
  int depth_ = 0;
};

// The value of `expr`. Integers do not overflow silently; `/` of integers must come out even, `//` rounds
// down.
Value evaluate(const Expr& expr, Environment& environment, const std::string& result_name = {});

// An argument of a call and its value.
struct Argument {
  const Expr* syntax = nullptr;
  Value value;
};
using Arguments = std::vector<Argument>;
// In order; throws UserError where a positional one follows a named one or a name is given twice.
Arguments evaluate_arguments(const Expr& call, Environment& environment);
size_t positional_count(const Arguments& arguments);

// The functions on plain values: min, max, sqrt, len. Nothing where `call` is none of them or has a tensor
// for an argument.
std::optional<Value> call_plain_function(const Expr& call, const Arguments& arguments);
// inf and nan.
std::optional<Value> predefined_constant(std::string_view name);

// The value as what is needed; throws UserError "<what> must be an integer, not a string".
int64_t to_integer(const Value& value, const SourceLocation& location, std::string_view what);
double to_real(const Value& value, const SourceLocation& location, std::string_view what);
bool to_boolean(const Value& value, const SourceLocation& location, std::string_view what);
ValueId to_tensor(const Value& value, const SourceLocation& location, std::string_view what);
Attribute to_attribute(const Value& value, const SourceLocation& location, std::string_view what);

}  // namespace rnc::text
