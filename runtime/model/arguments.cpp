#include "runtime/model/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "runtime/contract/settings.h"
#include "runtime/model/layout.h"
#include "runtime/support/error.h"

namespace rnrun {

namespace {

bool aligned(const void* data) { return reinterpret_cast<uintptr_t>(data) % RN_ALIGNMENT == 0; }

const Argument* find(std::span<const Argument> given, std::string_view name) {
  const auto found = std::ranges::find(given, name, &Argument::name);
  return found == given.end() ? nullptr : &*found;
}

bool has_batch(const rn_value& v) { return v.type.rank > 0 && v.type.dims[0] < 0; }

// The first dimension of the first batched input that was given; 1 if there is none. At least 1, so that an empty
// array is a mismatch like any other.
int64_t batch_of(const rn_entry& entry, std::span<const Argument> given) {
  for (const rn_value& v : inputs(entry)) {
    const Argument* found = has_batch(v) ? find(given, v.name) : nullptr;
    if (found != nullptr && !found->shape.empty()) return std::max<int64_t>(found->shape[0], 1);
  }
  return 1;
}

// The value of a floating-point scalar.
std::optional<double> number_of(const Argument& given) {
  if (!given.shape.empty()) return std::nullopt;
  if (given.dtype == DType::f32) return static_cast<double>(*static_cast<const float*>(given.data));
  return given.dtype == DType::f64 ? std::optional(*static_cast<const double*>(given.data)) : std::nullopt;
}

void put_number(AlignedBytes& own, const rn_type& type, double value) {
  own.resize(sizeof(double));
  if (type.dtype == RN_F64)
    *reinterpret_cast<double*>(own.data()) = value;
  else
    *reinterpret_cast<float*>(own.data()) = static_cast<float>(value);
}

}  // namespace

Arguments::Arguments(Session& session, const rn_entry& entry)
    : session_(&session),
      entry_(&entry),
      own_inputs_(static_cast<size_t>(entry.input_count)),
      own_outputs_(static_cast<size_t>(entry.output_count)) {}

void Arguments::fail(std::string_view source, std::string_view what) const {
  throw Error(fmt::format("{}: {} of entry '{}'", source, what, entry_->name));
}

void Arguments::check_type(const Argument& given, const rn_value& value, std::string_view kind,
                           std::string_view source) const {
  const std::vector<int64_t> shape = shape_of(value.type, batch_);
  if (given.dtype != dtype(value.type) || !std::ranges::equal(given.shape, shape))
    fail(source, fmt::format("{} given for {} '{}: {}'", type_text(given.dtype, given.shape), kind,
                             value.name, type_text(dtype(value.type), shape)));
}

const void* Arguments::input_place(const rn_value& v, const Argument* given, AlignedBytes& own,
                                   std::string_view source) {
  if (v.type.rank == 0) {
    const auto number = given == nullptr ? session_->scalar(v) : number_of(*given);
    if (number && !(given == nullptr && std::isnan(*number))) {
      put_number(own, v.type, *number);
      return own.data();
    }
  } else if (given == nullptr && !has_batch(v) && v.type.dtype == RN_F32) {
    const std::vector<float> values = session_->shared_input(v);
    const auto bytes = std::as_bytes(std::span(values));
    own.assign(bytes.begin(), bytes.end());
    return own.data();
  }
  if (given == nullptr)
    fail(source, fmt::format("nothing given for input '{}: {}'", v.name, type_text(v.type)));
  check_type(*given, v, "input", source);
  const auto count = static_cast<size_t>(element_count(v.type, batch_));
  if (v.classes > 0 && v.type.dtype == RN_I32)
    for (const int32_t number : std::span(static_cast<const int32_t*>(given->data), count))
      if ((number < 0 || number >= v.classes) && number != v.ignored_label)
        throw Error(fmt::format("{}: '{}' has {}, which is none of the {} classes", source, v.name, number,
                                v.classes));
  if (aligned(given->data)) return given->data;
  own.resize(static_cast<size_t>(plain_bytes(v.type, batch_)));
  std::memcpy(own.data(), given->data, own.size());
  copied_ += static_cast<int64_t>(own.size());
  return own.data();
}

void Arguments::bind_inputs(std::span<const Argument> given, std::string_view source) {
  copied_ = 0;
  batch_ = batch_of(*entry_, given);
  if (batch_ > contract::kMaxBatch)
    fail(source, fmt::format("a batch of {}, more than {},", batch_, contract::kMaxBatch));
  inputs_.clear();
  for (size_t i = 0; i < own_inputs_.size(); ++i) {
    const rn_value& v = entry_->inputs[i];
    inputs_.push_back(input_place(v, find(given, v.name), own_inputs_[i], source));
  }
  for (const Argument& argument : given)
    if (std::ranges::none_of(inputs(*entry_), [&](const rn_value& v) { return v.name == argument.name; }))
      fail(source, fmt::format("'{}' is no input", argument.name));
}

void Arguments::bind_outputs(std::span<const Argument> wanted, std::string_view source) {
  outputs_.clear();
  wanted_.clear();
  for (size_t i = 0; i < own_outputs_.size(); ++i) {
    const rn_value& v = entry_->outputs[i];
    const Argument* place = find(wanted, v.name);
    if (place != nullptr) check_type(*place, v, "output", source);
    wanted_.push_back(place == nullptr ? nullptr : place->data);
    if (wanted_.back() == nullptr || !aligned(wanted_.back())) {
      own_outputs_[i].resize(static_cast<size_t>(plain_bytes(v.type, batch_)));
      outputs_.push_back(own_outputs_[i].data());
    } else {
      outputs_.push_back(wanted_.back());
    }
  }
  for (const Argument& argument : wanted)
    if (std::ranges::none_of(outputs(*entry_), [&](const rn_value& v) { return v.name == argument.name; }))
      fail(source, fmt::format("'{}' is no output", argument.name));
}

void Arguments::run() {
  session_->run(*entry_, batch_, inputs_, outputs_);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (wanted_[i] == nullptr || wanted_[i] == outputs_[i]) continue;
    const auto size = static_cast<size_t>(plain_bytes(entry_->outputs[i].type, batch_));
    std::memcpy(wanted_[i], outputs_[i], size);
    if (entry_->outputs[i].type.rank > 0) copied_ += static_cast<int64_t>(size);
  }
}

const void* Arguments::input(const rn_value& value) const {
  return inputs_[static_cast<size_t>(&value - entry_->inputs)];
}

const void* Arguments::output(const rn_value& value) const {
  return outputs_[static_cast<size_t>(&value - entry_->outputs)];
}

}  // namespace rnrun
