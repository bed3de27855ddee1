// What specs and dumps have in common besides expressions: constants, types, tensors, the names of layers.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ir/graph/graph.h"
#include "ir/text/library.h"
#include "ir/text/value.h"

namespace rnc::text {

inline constexpr size_t kMaxNodes = 100'000;
inline constexpr size_t kMaxTensors = 20'000;

using Constants = std::map<std::string, Value, std::less<>>;

// Names are constants and calls plain functions; there are no tensors.
class ConstantEnvironment : public Environment {
 public:
  explicit ConstantEnvironment(Errors* errors, Constants constants = {})
      : Environment(errors), constants_(std::move(constants)) {}
  Value lookup(const Expr& name) override;
  Value call(const Expr& call, const std::string& result_name) override;
  Value tensor_operator(const Expr& op, const Value& left, const Value& right,
                        const std::string& result_name) override;
  Constants& constants() { return constants_; }

 private:
  Constants constants_;
};

// The constants of a library, each of which may use those before it. `set` replaces values by name, its texts
// being expressions too. Throws UserError where it names no constant.
Constants evaluate_constants(const Library& library, const std::map<std::string, std::string>& set,
                             Errors& errors);

// The optimizer that --optimizer names.
Optimizer parse_optimizer(const std::string& text);

// Throws UserError unless every size is a positive integer (or N, which must come first), all sizes fit
// together and the layout suits the rank.
Type evaluate_type(const TypeSyntax& syntax, Environment& environment);

// Adds a tensor to a module. Throws UserError where it is not f32 or has a batch, or the module becomes too
// large. The caller sees to it that the name is new.
void add_tensor(Module& module, Tensor tensor);
TensorKind tensor_kind(std::string_view word);  // "parameter", ...

// The layer that a node of this name makes up by itself: the name without the '%' of a generated one.
std::string layer_of(const std::string& node);
// The parameter that a gradient or slot of a dump belongs to if it does not say so: what follows the first dot
// of its name. None for tensors of other kinds.
std::string usual_parameter(TensorKind kind, const std::string& tensor);
// The layer of a node of a dump that does not say it: of a constant none.
std::string usual_layer(Op op, const std::string& node);

}  // namespace rnc::text
