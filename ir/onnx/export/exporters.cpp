#include "ir/onnx/export/exporters.h"

#include <map>

namespace rnc::onnx {

const Exporter* find_exporter(Op op) {
  static const auto table = [] {
    std::map<Op, const Exporter*> rows;
    for (const auto& theme :
         {elementwise_exporters(), activation_exporters(), layer_exporters(), channel_exporters(),
          pool_exporters(), movement_exporters(), reduce_exporters(), resize_exporters(), image_exporters()})
      for (const Exporter& row : theme) check(rows.emplace(row.op, &row).second, name(row.op));
    return rows;
  }();
  const auto found = table.find(op);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace rnc::onnx
