// Which columns of a list are which tensors of its samples, and these tensors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/array_dataset.h"
#include "runtime/data/data_options.h"

namespace rnrun {

// The columns of one field.
struct ListColumns {
  Field field;
  // A picture's path; a label; labels as in "cat;dog"; or as many numbers as the field has.
  std::vector<size_t> columns;
};

// Of a list with so many columns; `names` are those of its header, or none, `known` the names of classes. A field takes the
// column of its name, or those called pos_0, pos_1, ...; the picture else that called path, file or filename; then a field of
// several numbers those that are called like the known classes, in their order; others the next columns in order. Throws
// Error, naming `path`, when there are too few, or too many for several numbers, or when a list cannot give what a field is.
std::vector<ListColumns> plan_columns(const std::vector<Field>& fields, size_t count,
                                      const std::vector<std::string>& names,
                                      const std::vector<std::string>& known, const std::string& path);

// The values of a field other than a picture, collected row by row.
class ListValues {
 public:
  explicit ListValues(ListColumns columns) : columns_(std::move(columns)) {}
  // Throws Error "<path>:<line>: ...".
  void add(const std::vector<std::string>& row, const std::string& path, int64_t line);
  // The tensors of all rows. Labels are numbers if all are (options.label_offset is added), unless all are names of classes
  // that are known; otherwise they are names (class_labels.h), and `class_names` is set. Throws Error.
  Array take(const DataOptions& options, const std::string& path, std::vector<std::string>& class_names);
  const Field& field() const { return columns_.field; }
  const std::vector<size_t>& columns() const { return columns_.columns; }
  // Whether a row has any number of labels, in one column, for a field that has a 0 or 1 for each class.
  bool are_lists() const { return are_labels() && field().dtype == DType::f32; }

 private:
  bool are_labels() const;
  void add_labels(std::string_view cell);
  std::vector<int32_t> numbered(const DataOptions& options, const std::string& path,
                                std::vector<std::string>& class_names) const;

  ListColumns columns_;
  std::vector<int64_t> lines_;       // by row
  std::vector<double> numbers_;      // of rows of numbers
  std::vector<std::string> labels_;  // of rows of labels
  std::vector<size_t> ends_;         // of each row's labels
};

}  // namespace rnrun
