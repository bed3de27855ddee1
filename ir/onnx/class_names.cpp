#include "ir/onnx/class_names.h"

#include <fmt/format.h>

#include "ir/graph/diagnostics.h"
#include "runtime/contract/safetensors.h"

namespace rnc::onnx {
namespace {

constexpr size_t kMostBytes = 1 << 24;  // of their text

}  // namespace

void set_class_names(proto::ModelProto& model, const std::vector<std::string>& names) {
  if (names.empty()) return;
  proto::StringStringEntryProto* entry = model.add_metadata_props();
  entry->set_key(contract::kClassesKey);
  entry->set_value(contract::class_names_text(names));
}

std::vector<std::string> class_names(const proto::ModelProto& model, const std::string& file) {
  if (model.producer_name() != kProducer) return {};
  for (const proto::StringStringEntryProto& entry : model.metadata_props()) {
    if (entry.key() != contract::kClassesKey) continue;
    if (entry.value().size() > kMostBytes)
      throw UserError({}, fmt::format("{}: its names of classes are too long", file));
    try {
      return contract::class_names_of(entry.value());
    } catch (const contract::FormatError& error) {
      throw UserError({}, fmt::format("{}: damaged metadata: {}", file, error.what()));
    }
  }
  return {};
}

}  // namespace rnc::onnx
