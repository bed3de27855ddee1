// What cannot be read of a model, node by node: all of it is told at once.
#pragma once

#include <string>
#include <vector>

#include "ir/onnx/call.h"

namespace rnc::onnx {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  // "node 'Resize_3' (Resize, opset 13): why; mode = 'linear'; of f32[N, 3, 8, 8], 4 numbers"
  void add(const proto::NodeProto& node, const Context& context, const Values& operands,
           const std::string& why);
  bool empty() const { return count_ == 0; }
  // Throws UserError if there are any: the first twenty, and how many there are.
  void throw_any() const;

 private:
  std::string file_;
  std::vector<Diagnostic> first_;
  size_t count_ = 0;
};

}  // namespace rnc::onnx
