// A data set that is in memory.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/data/dataset.h"

namespace rnrun {

class ArrayDataset : public Dataset {
 public:
  // By the name of a field, the tensors of all samples, one after the other: [samples, ...]. There is at least one
  // field.
  using Columns = std::vector<std::pair<std::string, Array>>;
  explicit ArrayDataset(Columns columns) : columns_(std::move(columns)) {}

  int64_t size() const override { return columns_.front().second.shape.front(); }
  std::string description() const override;
  std::vector<std::string> fields() const override;
  void read(int64_t index, Sample& sample) const override;
  // The values of the first column of one i32 per sample.
  std::vector<int32_t> strata() const override;

 private:
  Columns columns_;
};

}  // namespace rnrun
