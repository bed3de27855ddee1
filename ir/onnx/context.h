// What the nodes of a model share while it is read: the module and graph that are being made, and names.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "ir/graph/graph.h"
#include "ir/graph/tensor_values.h"
#include "ir/graph/unique_names.h"
#include "ir/onnx/constant.h"

namespace rnc::onnx {

// A name as the language can write it: control characters, backquotes, bytes that are no UTF-8 and a % in front become '_';
// cut where it is too long, between characters.
std::string plain_name(std::string_view name);

// Dimensions as those of a node of the graph, in another order or several as one: see ir/onnx/view.h.
using Groups = std::vector<std::vector<int64_t>>;
Sizes sizes_of(const Shape& node, const Groups& groups);

// Of a tensor, of which other operators make a value or training a better one.
struct Value {
  std::optional<Constant> constant = {};
  ValueId node = kNoValue;
  Groups groups = {};  // none: the dimensions are the node's
  bool is_known() const { return constant || node != kNoValue; }
};
using Values = std::vector<Value>;

// More constants than a model has in earnest: reading ends.
struct TooManyConstants {};

class Context {
 public:
  Context() : builder_(module_, graph_) {}

  Module& module() { return module_; }
  TensorValues& values() { return values_; }
  Graph& graph() { return graph_; }
  const Graph& graph() const { return graph_; }
  GraphBuilder& builder() { return builder_; }

  int64_t opset = 0;           // of the default domain
  int64_t exported_batch = 0;  // the number that stood for the batch where it has become N; else 0
  bool from_pytorch = false;   // torch.onnx wrote it
  std::map<std::string, Initializer> new_tensors;  // initializers without values, by name: ir/onnx/head.h

  // Counts elements of constants that were made, and throws TooManyConstants.
  void spend(int64_t elements);

  // `wanted`, or that with a number if it is taken. Takes it.
  std::string free_name(const std::string& wanted);
  void reserve(const std::string& name) { names_.take(name); }

  // The value of a tensor of the model, made on first use. One that a layer trains becomes a parameter even if it was
  // read otherwise before.
  ValueId tensor(const Constant& value, TensorKind kind, Initializer initializer = {});
  // The same, but of its own: a batch norm changes its statistics, which others must not see.
  ValueId statistics(Constant value, const std::string& layer, std::string_view part,
                     Initializer initializer);
  // Numbers of the graph itself.
  ValueId numbers(const Constant& value);
  // A one for each sample, f32[N, 1, ...]; kNoValue where no input has a batch.
  ValueId ones_of_batch(int rank);

 private:
  Module module_;
  TensorValues values_;
  Graph graph_{.name = "model", .role = EntryRole::model};
  GraphBuilder builder_;
  UniqueNames names_;
  std::map<std::string, size_t> tensors_;  // places in the module
  std::set<std::string> tensor_names_;
  std::set<std::string> statistics_;
  int64_t spent_ = 0;
};

}  // namespace rnc::onnx
