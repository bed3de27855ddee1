#include "runtime/data/readers/list_columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "runtime/data/readers/class_labels.h"
#include "runtime/support/error.h"

namespace rnrun {

namespace {

std::string_view trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

template <class T>
std::optional<T> number_in(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Gives out the columns of a list.
class Columns {
 public:
  Columns(size_t count, const std::vector<std::string>& names) : names_(names), taken_(count, false) {}

  // That of this name, if there is one left.
  std::optional<size_t> named(std::string_view name) {
    const auto found = std::ranges::find(names_, name, trimmed);
    const auto at = static_cast<size_t>(found - names_.begin());
    if (found == names_.end() || taken_[at]) return std::nullopt;
    taken_[at] = true;
    return at;
  }
  bool has(std::string_view name) const { return std::ranges::find(names_, name, trimmed) != names_.end(); }
  // The next ones.
  std::vector<size_t> next(size_t count) {
    std::vector<size_t> result;
    for (size_t i = 0; i < taken_.size() && result.size() < count; ++i) {
      if (taken_[i]) continue;
      taken_[i] = true;
      result.push_back(i);
    }
    return result;
  }
  size_t left() const { return static_cast<size_t>(std::ranges::count(taken_, false)); }

 private:
  const std::vector<std::string>& names_;
  std::vector<bool> taken_;
};

size_t wanted_of(const Field& field) {
  return field.is_picture() ? 1 : static_cast<size_t>(field.elements());
}

// The columns that are named after the field: "pos", or for several numbers pos_0, pos_1, ... (or pos0, pos.0).
std::vector<size_t> named_after(const Field& field, Columns& columns) {
  if (const auto column = columns.named(field.name)) return {*column};
  if (field.is_picture())
    for (const std::string_view name : {"path", "file", "filename"})
      if (const auto column = columns.named(name)) return {*column};
  for (const std::string_view between : {"_", "", "."}) {
    std::vector<std::string> names;
    for (size_t i = 0; i < wanted_of(field); ++i)
      names.push_back(fmt::format("{}{}{}", field.name, between, i));
    std::vector<size_t> all;
    if (!std::ranges::all_of(names, [&](const std::string& name) { return columns.has(name); })) continue;
    for (const std::string& name : names) all.push_back(*columns.named(name));
    return all;
  }
  return {};
}

// Those that are called like the known classes, or those that are left, which must be as many as are wanted where that would not be clear.
std::vector<size_t> left_for(const Field& field, Columns& columns, const std::vector<std::string>& known,
                             const std::string& path) {
  const size_t wanted = wanted_of(field), left = columns.left();
  if (wanted > 1 && known.size() == wanted &&
      std::ranges::all_of(known, [&](const std::string& name) { return columns.has(name); })) {
    std::vector<size_t> all;
    for (const std::string& name : known)
      if (const auto column = columns.named(name)) all.push_back(*column);
    if (all.size() == wanted) return all;
  }
  if (left < wanted && left != 1)
    throw Error(
        fmt::format("{}: no column for '{}', {}, which the model takes: {} columns are left, of {} needed",
                    path, field.name, type_text(field), left, wanted));
  if (left > wanted && wanted > 1)
    throw Error(
        fmt::format("{}: which columns are '{}', {}? {} are left, {} are needed: name them {}_0, {}_1, ..., "
                    "or have 'classes' in the model that are called like them",
                    path, field.name, type_text(field), left, wanted, field.name, field.name));
  return columns.next(std::min(wanted, left));
}

}  // namespace

std::vector<ListColumns> plan_columns(const std::vector<Field>& fields, size_t count,
                                      const std::vector<std::string>& names,
                                      const std::vector<std::string>& known, const std::string& path) {
  Columns columns(count, names);
  std::vector<ListColumns> plan;
  for (const bool pictures : {true, false})  // these come first
    for (const Field& field : fields) {
      if (field.is_picture() != pictures) continue;
      const bool numbers = field.dtype == DType::f32 || field.dtype == DType::i32;
      if (!pictures && (!numbers || field.shape.size() > 1))
        throw Error(
            fmt::format("{}: a list has paths of pictures, labels and numbers; the model takes '{}', {}",
                        path, field.name, type_text(field)));
      plan.push_back({field, named_after(field, columns)});
    }
  for (ListColumns& one : plan)
    if (one.columns.empty()) one.columns = left_for(one.field, columns, known, path);
  return plan;
}

// One column is a label, or labels for a field that has a 0 or 1 for each class.
bool ListValues::are_labels() const {
  const Field& field = columns_.field;
  const bool several = field.dtype == DType::f32 && field.elements() > 1;
  return columns_.columns.size() == 1 && (several || field.dtype == DType::i32);
}

void ListValues::add(const std::vector<std::string>& row, const std::string& path, int64_t line) {
  lines_.push_back(line);
  const auto fail = [&](const std::string& cell, std::string_view wanted) {
    throw Error(fmt::format("{}:{}: '{}' is no {} ({})", path, line, cell, wanted, columns_.field.name));
  };
  if (are_labels()) {
    const std::string& cell = row[columns_.columns[0]];
    if (columns_.field.dtype == DType::i32 && trimmed(cell).empty()) fail(cell, "label");
    add_labels(cell);
    return;
  }
  for (const size_t column : columns_.columns) {
    const auto value = number_in<double>(row[column]);
    const bool whole = columns_.field.dtype != DType::i32 ||
                       (value && *value == std::trunc(*value) && std::abs(*value) < 0x1p31);
    if (!value || !std::isfinite(static_cast<float>(*value)) || !whole)
      fail(row[column], whole ? "number" : "whole number");
    numbers_.push_back(*value);
  }
}

void ListValues::add_labels(std::string_view cell) {
  const bool several = columns_.field.dtype == DType::f32;
  while (!cell.empty()) {
    const size_t end = several ? std::min(cell.find(';'), cell.size()) : cell.size();
    if (const std::string_view label = trimmed(cell.substr(0, end)); !label.empty())
      labels_.emplace_back(label);
    cell.remove_prefix(std::min(end + 1, cell.size()));
  }
  ends_.push_back(labels_.size());
}

// The number of each label.
std::vector<int32_t> ListValues::numbered(const DataOptions& options, const std::string& path,
                                          std::vector<std::string>& class_names) const {
  const Field& field = columns_.field;
  const int64_t classes = field.dtype == DType::f32 ? field.elements() : field.classes;
  const std::set<std::string> distinct(labels_.begin(), labels_.end());
  const std::set<std::string> known(options.class_names.begin(), options.class_names.end());
  const bool are_known = std::ranges::includes(known, distinct);
  const auto is_number = [](const std::string& label) { return number_in<int32_t>(label).has_value(); };
  std::vector<int32_t> numbers;
  if (!are_known && std::ranges::all_of(distinct, is_number)) {
    for (const std::string& label : labels_) numbers.push_back(*number_in<int32_t>(label));
    Field label = field;
    label.classes = classes;
    label.shape.clear();
    place_labels(label, numbers, options, path);
    return numbers;
  }
  if (classes == 0)
    throw Error(fmt::format("{}: '{}' is no number ({})", path,
                            *std::ranges::find_if_not(distinct, is_number), field.name));
  class_names = class_names_of({distinct.begin(), distinct.end()}, options, classes, path, "label");
  return labels_of(labels_, class_names);
}

Array ListValues::take(const DataOptions& options, const std::string& path,
                       std::vector<std::string>& class_names) {
  const Field& field = columns_.field;
  std::vector<int64_t> shape = field.shape;
  shape.insert(shape.begin(), static_cast<int64_t>(lines_.size()));
  if (!are_labels()) {
    if (field.dtype == DType::f32) {
      const std::vector<float> values(numbers_.begin(), numbers_.end());
      return Array::of<float>(field.dtype, shape, values);
    }
    std::vector<int32_t> values(numbers_.begin(), numbers_.end());
    place_labels(field, values, options, path);
    return Array::of<int32_t>(field.dtype, shape, values);
  }
  const std::vector<int32_t> numbers = numbered(options, path, class_names);
  if (field.dtype == DType::i32) return Array::of<int32_t>(field.dtype, shape, numbers);
  Array array = Array::zeros(field.dtype, shape);
  const auto values = array.as<float>();
  const auto classes = static_cast<size_t>(field.elements());
  for (size_t row = 0, i = 0; row < ends_.size(); ++row)
    for (; i < ends_[row]; ++i) values[row * classes + static_cast<size_t>(numbers[i])] = 1;
  return array;
}

}  // namespace rnrun
