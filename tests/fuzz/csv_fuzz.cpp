// Any text is rows of fields, or ends in an Error; the columns of a list are given out once, and its labels are in range.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "runtime/data/readers/csv.h"
#include "runtime/data/readers/list_columns.h"

namespace {

const rnrun::DataOptions kOptions{.fields = {{"image", rnrun::DType::u8, {1, 8, 8}},
                                             {"label", rnrun::DType::i32, {}, 3},
                                             {"tags", rnrun::DType::f32, {4}},
                                             {"angle", rnrun::DType::f32, {}}}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    rnrun::CsvReader reader({reinterpret_cast<const char*>(data), size}, "fuzz");
    std::vector<std::string> row;
    if (!reader.next(row)) return 0;
    const size_t count = row.size();
    std::vector<bool> taken(count, false);
    std::vector<rnrun::ListValues> values;
    for (const rnrun::ListColumns& columns : rnrun::plan_columns(kOptions.fields, count, row, {}, "fuzz")) {
      for (const size_t column : columns.columns) {
        if (taken.at(column)) std::abort();
        taken[column] = true;
      }
      if (!columns.field.is_picture()) values.emplace_back(columns);
    }
    while (reader.next(row))
      for (auto& column : values)
        if (row.size() == count) column.add(row, "fuzz", reader.line());
    for (auto& column : values) {
      std::vector<std::string> names;
      const rnrun::Array array = column.take(kOptions, "fuzz", names);
      if (array.dtype == rnrun::DType::i32 &&
          std::ranges::any_of(array.as<int32_t>(), [](int32_t label) { return label < 0 || label >= 3; }))
        std::abort();
    }
  } catch (const rnrun::Error&) {
  }
  return 0;
}
