#include "runtime/data/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "runtime/support/error.h"

namespace rnrun {

std::vector<int32_t> Dataset::numbers(size_t field) const {
  std::vector<int32_t> all;
  Sample sample;
  for (int64_t i = 0; i < size(); ++i) {
    read(i, sample);
    const SampleTensor& tensor = sample.at(field);
    if (tensor.dtype != DType::i32 || tensor.numbers().size() != 1)
      throw Error(fmt::format("image {}: '{}' is {}, not one number", i, fields().at(field),
                              type_text(tensor.dtype, tensor.shape)));
    all.push_back(tensor.numbers()[0]);
  }
  return all;
}

std::vector<size_t> places_of(const std::vector<Field>& fields, const Dataset& data) {
  const std::vector<std::string> there = data.fields();
  std::vector<size_t> places;
  for (const Field& field : fields) {
    const auto found = std::ranges::find(there, field.name);
    if (found == there.end())
      throw Error(fmt::format("the data have no '{}', {}, which the model takes; they have {}", field.name,
                              type_text(field), fmt::join(there, ", ")));
    places.push_back(static_cast<size_t>(found - there.begin()));
  }
  return places;
}

}  // namespace rnrun
