// What stands for the values of a graph in the file that is made of it. Fixed values, the weights and lists of numbers,
// become initializers where they are first read, in the shape in which they are read.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/graph/interpreter.h"
#include "ir/onnx/export/writer.h"

namespace rnc::onnx {

// "layer1.0.relu" of "%layer1.0.relu"
std::string plain(const std::string& name);

class Written {
 public:
  // `weights` and `prepared`: the values of all tensors that `graph` reads. They are used while this is.
  Written(const Module& module, const Graph& graph, const Tensors& weights, const Tensors& prepared,
          Writer& writer);

  const Graph& graph() const { return graph_; }
  Writer& writer() { return writer_; }

  // The tensor that has the value. A truth value becomes 1 or 0 here.
  std::string name(ValueId v);
  // Of what a comparison has said of v; empty if v is no comparison's result.
  const std::string& truth(ValueId v) const { return truths_[static_cast<size_t>(v)]; }

  // The name that the result of v is to have: the model's own, where it is an output.
  std::string result_name(ValueId v);
  void set_name(ValueId v, std::string name) { names_[static_cast<size_t>(v)] = std::move(name); }
  void set_truth(ValueId v, std::string name) { truths_[static_cast<size_t>(v)] = std::move(name); }

  bool is_fixed(ValueId v) const { return graph_[v].op == Op::state || graph_[v].op == Op::constants; }
  // A fixed value under another shape of as many elements. `wanted`: a name for it, if it has none of its own.
  std::string shaped(ValueId v, const Shape& shape, const std::string& wanted = {});
  // A fixed matrix with its rows as columns.
  std::string transposed(ValueId v, const std::string& wanted = {});

 private:
  const TensorData& fixed(ValueId v);
  std::string initializer_name(ValueId v, const std::string& wanted);
  std::string origin_of(const std::string& prepared) const;
  TensorIndex tensors_;
  const Graph* prepare_;                            // null: there is none
  std::map<std::string, ValueId> prepared_values_;  // of it, by tensor
  const Graph& graph_;
  const Tensors &weights_, &prepared_;
  Writer& writer_;
  std::map<ValueId, TensorData> lists_;  // of numbers in the graph itself
  std::map<ValueId, std::string> outputs_;
  std::set<std::string> weight_names_;               // that are kept for the weights, and not used so far
  std::vector<std::string> names_, truths_;          // by value; empty: not made yet, or none
  std::map<std::string, std::string> initializers_;  // by what they are of, and their form
};

}  // namespace rnc::onnx
