// Any bytes either are a model in ONNX's format, of which a valid module is made, or end in a UserError.
#include <cstdint>
#include <cstdlib>

#include "ir/graph/verifier.h"
#include "ir/onnx/onnx.h"
#include "ir/text/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rnc::onnx::ImportOptions options;
  rnc::Module module;
  try {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    module = rnc::onnx::import_bytes(bytes, "fuzz.onnx", "/nonexistent", options).module;
  } catch (const rnc::UserError& error) {
    if (error.render().empty()) std::abort();
    return 0;
  }
  verify(module);
  const auto text = std::make_shared<rnc::SourceFile>(rnc::SourceFile{"fuzz.graph", print(module)});
  if (!equal(module, rnc::parse(text))) std::abort();
  return 0;
}
