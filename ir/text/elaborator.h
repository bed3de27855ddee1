// Turns the syntax tree of a spec into a module: calls blocks, repeats, decides conditions, makes parameters.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/ops/layers.h"
#include "ir/text/declarations.h"
#include "ir/text/freeze.h"
#include "ir/text/library.h"
#include "ir/text/named_operands.h"
#include "ir/text/text.h"
#include "ir/text/value.h"

namespace rnc::text {

inline constexpr int64_t kMaxRepeats = 10'000;

class Elaborator : public Environment {
 public:
  Elaborator(const Library& library, const ElaborateOptions& options, Errors& errors);
  // Mistakes go to the errors; the module is whole where there are none.
  Module run();

  Value lookup(const Expr& name) override;
  Value call(const Expr& call, const std::string& result_name) override;
  Value tensor_operator(const Expr& op, const Value& left, const Value& right,
                        const std::string& result_name) override;

 private:
  // A block being elaborated, or the model.
  struct Frame {
    const Definition* definition;
    std::string scope;        // prefix of the names in it: "layer1.0"; empty for the model
    std::string result_name;  // what a returned operation is called
    Constants variables;
    SourceLocation call;      // of a block
    std::string suffix = {};  // of the names made in the repetition of a `for` at hand: ".0"
    bool uncertain = false;   // a statement that may have decided what it returns or predicts has failed
  };

  // recovery.cpp: what failed statements leave behind
  void add_notes(Diagnostic& diagnostic) const override;
  void poison(const Statement& failed);

  // elaborator.cpp: statements
  Type plain_type(const TypeSyntax& syntax);  // refuses a layout
  void declare_inputs(const Definition& model);
  void set_default(Node& input, const Expr& expr);
  std::optional<Value> execute(const std::vector<Statement>& body);
  std::optional<Value> execute(const Statement& statement);
  std::optional<Value> execute_kind(const Statement& statement);
  void let(const Statement& statement);
  void let_several(const Statement& statement);
  std::optional<Value> repeat_for(const Statement& statement);
  void declare_tensor(const Statement& statement);
  void choose_initializer(const Statement& statement);
  void model_statement(const Statement& statement);
  void freeze(const Expr& expr);
  void set_predict(const Statement& statement);
  void set_loss(const Statement& statement);
  void assign_input_roles();
  void check_output_names();
  void finish(const Definition& model);

  // blocks.cpp
  Value call_block(const Definition& block, const Expr& call, const Arguments& arguments, std::string scope,
                   std::string result_name);
  void check_recursion(const Definition& block, const Expr& call) const;
  void check_arguments(const Definition& block, const Expr& call, const Arguments& arguments) const;
  void bind(const Definition& block, const Arguments& arguments);
  Value run_block(const Definition& block, const Arguments& arguments);
  Value repeat(const Expr& call, const std::string& result_name);
  Value share(const Expr& call, const Arguments& arguments, const std::string& result_name);
  Value call_shared(const Shared& shared, const Expr& call, const Arguments& arguments);

  // names.cpp: names in the graph
  std::string scoped(const std::string& name, const SourceLocation& location) const;
  std::string generated_name(const std::string& base, const SourceLocation& location);
  void claim(const std::string& name, const SourceLocation& location);
  void check_free(const std::string& name, const SourceLocation& location) const;
  void check_taken(const std::string& name, const SourceLocation& location) const;
  // The name of a node: another where a shared or inlined block is called again.
  std::string node_name(const std::string& name);
  bool repeats_names() const {
    return sharing_ || frames_.back().definition->inlined || !frames_.back().suffix.empty();
  }

  // calls.cpp, tensor_functions.cpp: functions and operations
  const Definition* find_block(std::string_view name) const;
  std::optional<Value> size_function(const Expr& call, const Arguments& arguments) const;
  // fail("...", number, ...): a mistake of whoever called the block.
  [[noreturn]] void fail(const Expr& call, const Arguments& arguments) const;
  Value split(const Expr& call, const Arguments& arguments);
  // Takes the optional operands that are given by name out of `arguments`.
  std::vector<NamedOperand> take_named_operands(const OpInfo& op, Arguments& arguments) const;
  Attributes call_attributes(const OpInfo& op, const LayerInfo* layer, const Expr& call,
                             const Arguments& arguments);
  Value call_operation(const OpInfo& op, const Expr& call, Arguments arguments,
                       const std::string& result_name);
  [[noreturn]] void unknown_call(const Expr& call) const;

  // layers.cpp: operations that bring parameters
  // Adds the operands of a layer behind x, its parameters and buffers, called NAME.weight, ...; removes its
  // settings from `attributes`.
  void add_layer_tensors(const LayerInfo& layer, const Expr& call, int64_t outputs, const std::string& name,
                         Attributes& attributes, std::vector<ValueId>& inputs);
  ValueId layer_tensor(Op op, const Expr& call, const std::string& layer, LayerTensor tensor);
  ValueId fixed_tensor(const Expr& call, const std::string& layer, const LayerTensor& tensor);
  ValueId state(Tensor tensor);  // adds it to the module and reads it

  // operators.cpp: nodes of the graph
  ValueId emit(Op op, std::vector<ValueId> inputs, Attributes attributes, const std::string& name,
               const SourceLocation& location, std::optional<uint8_t> optional = {});
  ValueId emit_constant(const Value& number, const SourceLocation& location);
  void align_dimensions(std::vector<ValueId>& operands);
  // A matrix as matmul's right operand that multiplies all of the left one's.
  bool one_matrix_for_all(const std::vector<ValueId>& inputs) const;
  ValueId multiply_all(const Expr& call, const std::vector<ValueId>& inputs, const Attributes& attributes,
                       const std::string& name);

  const Library& library_;
  const ElaborateOptions& options_;
  Constants constants_;
  Module module_;
  Graph graph_;
  GraphBuilder builder_;
  std::vector<Frame> frames_;
  std::map<std::string, SourceLocation, std::less<>> names_;      // taken by nodes and tensors
  std::map<std::string, int, std::less<>> generated_;             // how many names were made from a base
  std::map<std::string, Initializer, std::less<>> initializers_;  // by "conv2d.weight"
  std::map<std::string, SourceLocation, std::less<>> given_;      // statements that may be given once
  std::vector<FreezePattern> frozen_;
  std::vector<Output> predicted_;  // the first is the prediction
  // Of what is shared, by its name. Names that were made in a call are made again in the next ones, or their layers would
  // have parameters of their own.
  struct SharedCalls {
    int count = 0;
    std::map<std::string, std::vector<std::string>> names;  // by what they were made from
    std::map<std::string, size_t> made;                     // so many of them in the call at hand
  };
  std::map<std::string, SharedCalls, std::less<>> shared_calls_;
  SharedCalls* shared_call_ = nullptr;  // the one at hand
  bool sharing_ = false;                // in a call that is not the first of what is shared
  std::map<std::string, SourceLocation, std::less<>> output_places_;
  std::optional<Output> loss_;
  std::vector<Output> losses_;  // those with names, whose sum it is
};

}  // namespace rnc::text
