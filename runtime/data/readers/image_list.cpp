#include "runtime/data/readers/image_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "runtime/data/decode/decode.h"
#include "runtime/data/files/image_files.h"
#include "runtime/data/readers/csv.h"
#include "runtime/data/readers/list_columns.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

namespace {

using Row = std::vector<std::string>;

bool has_image(const Row& row) {
  return std::ranges::any_of(row, [](const std::string& cell) { return is_image_name(cell); });
}

// A row without a file must name the columns.
void check_header(const CsvReader& reader, const Row& row, const std::vector<Field>& fields) {
  const auto is_name = [&](const std::string& cell) {
    return cell == "path" || cell == "file" || cell == "filename" ||
           std::ranges::find(fields, cell, &Field::name) != fields.end();
  };
  if (std::ranges::none_of(row, is_name))
    reader.fail(fmt::format("neither an image file ({}) nor a header, such as path,label", image_names()));
}

// What no field has taken.
std::string unused_note(const std::vector<ListColumns>& plan, size_t count, const Row& names,
                        const std::string& path) {
  std::vector<std::string> unused;
  for (size_t column = 0; column < count; ++column)
    if (std::ranges::none_of(plan, [&](const ListColumns& c) {
          return std::ranges::find(c.columns, column) != c.columns.end();
        }))
      unused.push_back(names.empty() ? fmt::format("{}", column + 1) : names[column]);
  if (unused.empty()) return "";
  return fmt::format("{}: the model takes nothing from column{} {}", path, unused.size() == 1 ? "" : "s",
                     fmt::join(unused, ", "));
}

// A column of numbers might have been meant otherwise.
std::string labels_note(const ListValues& values, const Row& names, const std::string& path) {
  const size_t column = values.columns().at(0);
  return fmt::format(
      "{}: column {} has labels (as in 'cat;dog' or '0;3'): each is a 1 among the {} numbers of '{}'", path,
      names.empty() ? fmt::format("{}", column + 1) : names[column], values.field().elements(),
      values.field().name);
}

// The rows of a list, and what they make.
class ListReader {
 public:
  ListReader(const std::string& path, const DataOptions& options)
      : path_(path), options_(options), content_(read_file(path)), reader_(text(), path) {
    files_.directory = std::filesystem::path(path).parent_path().string();
    if (files_.directory.empty()) files_.directory = ".";
    files_.description = "images";
  }

  ImageFiles read() {
    Row row, names;
    if (!reader_.next(row)) throw Error(path_ + ": a list without a row");
    if (!has_image(row)) {
      check_header(reader_, row, options_.fields);
      names = row;
      if (!reader_.next(row)) throw Error(path_ + ": a list without a row below its header");
    }
    const size_t count = names.empty() ? row.size() : names.size();
    plan(count, names);
    do {
      if (row.size() != count) reader_.fail(fmt::format("{} fields instead of {}", row.size(), count));
      add(row);
    } while (reader_.next(row));
    finish(names);
    return std::move(files_);
  }

 private:
  std::string_view text() const { return {reinterpret_cast<const char*>(content_.data()), content_.size()}; }

  void plan(size_t count, const Row& names) {
    auto plan = plan_columns(options_.fields, count, names, options_.class_names, path_);
    for (ListColumns& columns : plan) {
      if (columns.columns.size() > 1 && !names.empty()) order_as_known(columns.columns, names);
      if (!columns.field.is_picture()) {
        values_.emplace_back(columns);
        if (columns.columns.size() > 1) named_columns_ = columns.columns;
        continue;
      }
      files_.pictures.push_back(columns.field);
      pictures_.push_back(columns.columns[0]);
    }
    if (pictures_.empty()) throw Error(path_ + ": a list of image files, but the model takes no pictures");
    if (std::string note = unused_note(plan, count, names, path_); !note.empty())
      files_.notes.push_back(std::move(note));
  }

  // Columns of labels or numbers whose names are known come in the order of these, whatever that of the list.
  void order_as_known(std::vector<size_t>& columns, const Row& names) const {
    const std::vector<std::string>& known = options_.class_names;
    const auto place = [&](size_t column) { return std::ranges::find(known, names[column]) - known.begin(); };
    const auto is_known = [&](size_t column) {
      return place(column) < static_cast<std::ptrdiff_t>(known.size());
    };
    if (known.size() == columns.size() && std::ranges::all_of(columns, is_known)) {
      std::ranges::sort(columns, {}, place);
    } else if (options_.names_fixed && !known.empty() && !has_labels()) {
      std::vector<std::string> found;
      for (const size_t column : columns) found.push_back(names[column]);
      throw Error(fmt::format("{}: the columns {} are not called like those of {}, which are {}", path_,
                              fmt::join(found, ", "), options_.named_by, fmt::join(known, ", ")));
    }
  }
  // Whether names of classes are those of labels, not of columns.
  bool has_labels() const {
    return std::ranges::any_of(options_.fields, [](const Field& f) { return f.dtype == DType::i32; });
  }

  void add(const Row& row) {
    for (const size_t column : pictures_) {
      const std::string& file = row[column];
      const std::string full = file.starts_with('/') ? file : files_.directory + "/" + file;
      std::error_code ignored;
      if (file.empty() || !std::filesystem::exists(full, ignored))
        reader_.fail(file.empty() ? "no path" : fmt::format("there is no file {}", full));
      files_.paths.add(file);
    }
    for (ListValues& values : values_) values.add(row, path_, reader_.line());
  }

  void finish(const Row& names) {
    for (ListValues& values : values_) {
      std::vector<std::string> classes;
      Array array = values.take(options_, path_, classes);
      if (values.are_lists()) files_.notes.push_back(labels_note(values, names, path_));
      if (!classes.empty()) files_.class_names = std::move(classes);
      files_.columns.emplace_back(values.field().name, std::move(array));
    }
    if (!names.empty() && files_.class_names.empty() && !has_labels())
      for (const size_t column : named_columns_) files_.class_names.push_back(names[column]);
  }

  const std::string& path_;
  const DataOptions& options_;
  const AlignedBytes content_;
  CsvReader reader_;
  ImageFiles files_;
  std::vector<size_t> pictures_;       // their columns
  std::vector<size_t> named_columns_;  // of a field with one for each class or number
  std::vector<ListValues> values_;
};

}  // namespace

std::unique_ptr<const Dataset> open_image_list(const std::string& path, const DataOptions& options) {
  return open_image_files(ListReader(path, options).read(), options);
}

}  // namespace rnrun
