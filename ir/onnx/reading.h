// One reading of a model: its nodes, in their order, become operations of a graph.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/onnx/image.h"
#include "ir/onnx/inputs.h"
#include "ir/onnx/onnx.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/problems.h"

namespace rnc::onnx {

// What the command line changes of the file.
struct Changes {
  std::map<std::string, Initializer> new_tensors;  // of new heads
  std::optional<ImageRule> image;
};

class Reading {
 public:
  // `file` is for messages; external data lie in `directory`. The model must outlive the reading.
  Reading(const proto::ModelProto& model, std::string file, std::string directory, const Changes& changes);

  // Once, with these inputs for the model's. `exported_batch`: the number in the file that stands for the batch where it
  // has become N; else 0. Throws UserError, for all nodes that cannot be read at once.
  Import run(const std::vector<ModelInput>& inputs, int64_t exported_batch);

 private:
  [[noreturn]] void fail(const std::string& why) const;
  void check_model() const;
  void add_input(const ModelInput& input, bool is_image);
  void define(const std::string& name, Value value);
  // Of a name that nothing has computed so far: an initializer.
  Value& value_of(const std::string& name, const std::string& reader);
  Constant initializer(const proto::TensorProto& tensor) const;
  void read_nodes();
  void read(const proto::NodeProto& node);
  Values read(const Operator& op, const proto::NodeProto& node, const Values& operands);
  // Whether all operands are known numbers that training does not change.
  bool folds(const Values& operands);
  void add_output(const std::string& name);

  const proto::ModelProto& model_;
  std::string file_, directory_;
  std::optional<ImageRule> image_;
  Context context_;
  Problems problems_;
  std::map<std::string, const proto::TensorProto*> initializers_;
  std::unordered_map<std::string, Value> values_;
  std::set<std::string> unread_;  // results that their operators do not give
};

}  // namespace rnc::onnx
