#include "ir/onnx/export/files.h"

#include "ir/graph/diagnostics.h"

namespace rnc::onnx {
namespace {

constexpr size_t kMostBytes = (size_t{1} << 31) - 1;  // of a message of protobuf
constexpr size_t kRest = size_t{1} << 26;             // of these for names, nodes and sizes
constexpr size_t kLarge = 1024;                       // bytes of what goes into the other file
constexpr size_t kAlignment = 4096;                   // there, so that it can be mapped

void add(proto::TensorProto& tensor, const std::string& key, const std::string& value) {
  proto::StringStringEntryProto* entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

void append(proto::TensorProto& tensor, const std::string& bytes, const std::string& name,
            std::string& file) {
  file.resize((file.size() + kAlignment - 1) / kAlignment * kAlignment);
  tensor.set_data_location(proto::TensorProto::EXTERNAL);
  add(tensor, "location", name);
  add(tensor, "offset", std::to_string(file.size()));
  add(tensor, "length", std::to_string(bytes.size()));
  file += bytes;
}

}  // namespace

ExportedFiles files_of(proto::ModelProto& model, std::vector<std::string> data,
                       const ExportOptions& options) {
  size_t bytes = 0;
  for (const std::string& elements : data) bytes += elements.size();
  const bool is_beside = options.external_data || bytes > kMostBytes - kRest;
  if (is_beside && options.data_file.empty())
    throw UserError(
        {},
        "the weights need a file of their own beside the model's, which needs a name: -o NAME.onnx; a "
        "file in ONNX's format holds 2 GiB");
  ExportedFiles files;
  if (is_beside) files.data.reserve(bytes + data.size() * kAlignment);
  for (size_t i = 0; i < data.size(); ++i) {
    proto::TensorProto& tensor = *model.mutable_graph()->mutable_initializer(static_cast<int>(i));
    const std::string elements = std::move(data[i]);
    if (is_beside && elements.size() >= kLarge)
      append(tensor, elements, options.data_file, files.data);
    else
      tensor.set_raw_data(elements);
  }
  if (!model.SerializeToString(&files.model))
    throw UserError(
        {}, "the file would be larger than 2 GiB, the most that ONNX's format holds; export a smaller model");
  return files;
}

}  // namespace rnc::onnx
