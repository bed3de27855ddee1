// What the pickle in a file of torch.save may import and call: what tensors are made of, and nothing else.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/support/stored_tensor.h"
#include "runtime/support/torch/pickle.h"
#include "runtime/support/torch/zip_read.h"

namespace rnrun {

inline constexpr size_t kLongestName = 4096;  // so that comparing names takes no time

// The values that it makes are numbers of its storages and tensors. Their elements stay in the archive, whose
// entries must outlive it. Throws contract::FormatError.
class TensorBuilder : public PickleUser {
 public:
  TensorBuilder(const ZipEntries& entries, std::string folder)
      : entries_(entries), folder_(std::move(folder)) {}

  bool knows(std::string_view global) const override;
  PickleValue call(std::string_view global, const PickleValue& arguments, Pickle& pickle) override;
  PickleValue load(const PickleValue& id, const Pickle& pickle) override;
  // Null when the value is no tensor.
  const StoredTensor* tensor(const PickleValue& value) const {
    const auto* object =
        value.kind == PickleValue::Kind::object ? &objects_[static_cast<size_t>(value.number)] : nullptr;
    return object != nullptr && object->is_tensor ? &object->tensor : nullptr;
  }

 private:
  struct Object {
    StoredTensor tensor;  // or a storage: its type and data
    bool is_tensor = false;
  };
  PickleValue add(Object object) {
    objects_.push_back(std::move(object));
    return {PickleValue::Kind::object, static_cast<int64_t>(objects_.size() - 1)};
  }
  PickleValue rebuild(std::span<const PickleValue> arguments, const Pickle& pickle);

  const ZipEntries& entries_;
  std::string folder_;
  std::vector<Object> objects_;
  std::map<std::string_view, PickleValue> storages_;  // by key
};

}  // namespace rnrun
