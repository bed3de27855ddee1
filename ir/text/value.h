// What an expression of the language stands for, and the arithmetic on it.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/text/errors.h"
#include "ir/text/syntax.h"

namespace rnc::text {

struct Value;
using List = std::vector<Value>;

// A number, a boolean, a string, a list, a block or an operation (to be called or repeated), one that is shared, or a
// tensor: a node of the graph.
struct TensorRef {
  ValueId node = kNoValue;
};
// A block or an operation all of whose calls have the same parameters, those of layer `name`.
struct Shared {
  const Definition* block = nullptr;
  const OpInfo* operation = nullptr;
  std::string name;
};
// The name N: the batch, in front in a list of sizes.
struct Batch {};
// What a failed expression stands for: that which depends on it fails too, without a word.
struct Poison {};
struct Value {
  std::variant<bool, int64_t, double, std::string, std::shared_ptr<const List>, const Definition*,
               const OpInfo*, std::shared_ptr<const Shared>, TensorRef, Batch, Poison>
      held;

  template <class T>
  const T* get() const {
    return std::get_if<T>(&held);
  }
  bool is_tensor() const { return std::holds_alternative<TensorRef>(held); }
  bool is_number() const {
    return std::holds_alternative<int64_t>(held) || std::holds_alternative<double>(held);
  }
  bool is_poison() const { return std::holds_alternative<Poison>(held); }
};
// "an integer", "a tensor", ...
std::string_view kind_of(const Value& value);

// What evaluate() needs from its surroundings: the meaning of names and calls, a limit on the work, and where
// mistakes go.
class Environment {
 public:
  // Without a list of errors the first one is thrown.
  explicit Environment(Errors* errors) : errors_(errors) {}
  virtual ~Environment() = default;
  virtual Value lookup(const Expr& name) = 0;
  // `result_name` is the name that the result is to have in the graph; empty: a generated one.
  virtual Value call(const Expr& call, const std::string& result_name) = 0;
  // An operator of which at least one operand is a tensor. A unary minus has only `left`.
  virtual Value tensor_operator(const Expr& op, const Value& left, const Value& right,
                                const std::string& result_name) = 0;

  // Counts `steps` of work; throws LimitExceeded beyond a limit that no honest text comes near.
  void count(const SourceLocation& location, size_t steps = 1);
  // Adds a mistake to the errors.
  void report(const UserError& error);
  bool has_errors() const { return errors_ != nullptr && errors_->count() > 0; }
  // Whether `f` succeeds; its mistake, if it is not another's consequence, is reported.
  template <class F>
  bool attempt(const SourceLocation& location, const F& f) {
    try {
      f();
      return true;
    } catch (const UserError& error) {
      report(error);
    } catch (const Poisoned&) {
    }
    count(location, kStepsPerFailure);
    return false;
  }
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

 protected:
  // How one came to the place of a mistake, as notes.
  virtual void add_notes(Diagnostic&) const {}

 private:
  static constexpr size_t kStepsPerFailure = 1000;  // so that a hostile text cannot fail for minutes

  Errors* errors_;
  size_t steps_ = 0;
  int depth_ = 0;
};

// The value of `expr`; poison where it fails, once that is reported. Integers do not overflow silently; `/`
// of integers must come out even, `//` rounds down.
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

// What can be called beside operations and blocks. (sqrt of a number is there too; of a tensor it is an
// operation.)
inline constexpr std::array<std::string_view, 15> kFunctions = {
    "repeat", "shared", "split", "channels", "height", "width",       "rank", "size",
    "min",    "max",    "len",   "is_list",  "range",  "read_tensor", "fail"};

// The functions on plain values: min, max, sqrt, len, is_list, range. Nothing where `call` is none of them, or an operation: min,
// max or sqrt of a tensor.
std::optional<Value> call_plain_function(const Expr& call, const Arguments& arguments);
// read_tensor("w.safetensors", "fc.weight"): the elements of a tensor in a file beside the spec, as a list.
Value read_tensor(const Expr& call, const Arguments& arguments);
// inf, nan and N.
std::optional<Value> predefined_constant(std::string_view name);

// The value as what is needed; throws UserError "<what> must be an integer, not a string", Poisoned for
// poison.
int64_t to_integer(const Value& value, const SourceLocation& location, std::string_view what);
double to_real(const Value& value, const SourceLocation& location, std::string_view what);
bool to_boolean(const Value& value, const SourceLocation& location, std::string_view what);
ValueId to_tensor(const Value& value, const SourceLocation& location, std::string_view what);
Attribute to_attribute(const Value& value, const SourceLocation& location, std::string_view what);
// Throws that error, or Poisoned for poison.
[[noreturn]] void mismatch(const Value& value, const SourceLocation& location, std::string_view what,
                           std::string_view needed);

}  // namespace rnc::text
