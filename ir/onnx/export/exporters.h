// The operations that can be exported: one row for each, in the file of its theme. An elementwise operation without a row
// is written as the formula of its row in ir/ops.
#pragma once

#include <span>
#include <string_view>

#include "ir/onnx/export/operation.h"

namespace rnc::onnx {

struct Exporter {
  Op op;
  // Adds the nodes that compute it; ends with result(), same_as() or says(). Throws NotExported.
  void (*write)(Operation& operation);
  std::string_view as = {};  // the operator, where that is all that tells it from its neighbours
};

std::span<const Exporter> elementwise_exporters();
std::span<const Exporter> activation_exporters();
std::span<const Exporter> layer_exporters();
std::span<const Exporter> channel_exporters();
std::span<const Exporter> pool_exporters();
std::span<const Exporter> movement_exporters();
std::span<const Exporter> reduce_exporters();
std::span<const Exporter> resize_exporters();
std::span<const Exporter> image_exporters();

const Exporter* find_exporter(Op op);  // null if it has no row

// An elementwise operation as nodes for each part of its formula.
void write_formula(Operation& operation);

}  // namespace rnc::onnx
