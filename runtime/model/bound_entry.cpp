#include "runtime/model/bound_entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/model/layout.h"
#include "runtime/support/error.h"

namespace rnrun {

BoundEntry::BoundEntry(Session& session, const rn_entry& entry, int64_t max_batch)
    : session_(&session), entry_(&entry), max_batch_(max_batch) {
  rn_extent arguments{};
  for (const auto values : {inputs(*entry_), outputs(*entry_)})
    for (const rn_value& v : values) arguments.per_sample += plain_bytes(v.type, 1);
  session.reserve(*entry_, max_batch, arguments);
  for (const rn_value& v : inputs(*entry_)) {
    in_.emplace_back(plain_bytes(v.type, max_batch), "inputs");
    in_pointers_.push_back(in_.back().data());
    if (v.type.rank != 0) {
      if (v.type.dims[0] >= 0 && v.type.dtype == RN_F32) {
        const std::vector<float> values = session.shared_input(v);
        std::ranges::copy(values, reinterpret_cast<float*>(in_.back().data()));
      }
      continue;
    }
    if (std::isnan(session.scalar(v)))
      unset_.emplace_back(v.name);
    else
      set_scalar(v.name, session.scalar(v));
  }
  for (const rn_value& v : outputs(*entry_)) {
    out_.emplace_back(plain_bytes(v.type, max_batch), "outputs");
    out_pointers_.push_back(out_.back().data());
  }
}

void BoundEntry::set_scalar(std::string_view name, double value) {
  for (size_t i = 0; i < in_.size(); ++i) {
    if (entry_->inputs[i].name != name) continue;
    if (entry_->inputs[i].type.dtype == RN_F64)
      *reinterpret_cast<double*>(in_[i].data()) = value;
    else
      *reinterpret_cast<float*>(in_[i].data()) = static_cast<float>(value);
  }
  std::erase(unset_, name);
}

void BoundEntry::set_scalar(rn_value_role role, double value) {
  const rn_value* input = rnrun::find(inputs(*entry_), role);
  if (input != nullptr) set_scalar(input->name, value);
}

void BoundEntry::run(int64_t batch, Recorder recorder) {
  if (!unset_.empty())
    throw Error(fmt::format("nothing given for the input '{}: f32[]' of entry '{}' of the model {}",
                            unset_.front(), entry_->name, session_->model().name()));
  session_->run(*entry_, batch, in_pointers_, out_pointers_, recorder);
}

std::span<float> BoundEntry::rows(std::string_view name, int64_t batch) {
  const Memory& memory = find(outputs(*entry_), out_, name, RN_F32);
  const rn_type& type = entry_->outputs[&memory - out_.data()].type;
  return {reinterpret_cast<float*>(memory.data()),
          static_cast<size_t>(plain_bytes(type, batch)) / sizeof(float)};
}

void BoundEntry::bind(std::string_view name, DType dtype, const void* data) {
  const Memory& own =
      find(inputs(*entry_), in_, name, static_cast<rn_dtype>(contract::abi_code(dtype).value()));
  in_pointers_[static_cast<size_t>(&own - in_.data())] = data;
}

const Memory& BoundEntry::find(std::span<const rn_value> values, const std::vector<Memory>& memory,
                               std::string_view name, rn_dtype dtype) const {
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].name == name && values[i].type.dtype == dtype) return memory[i];
  throw Error(fmt::format("entry '{}' of the model {} has no {} argument '{}'", entry_->name,
                          session_->model().name(), contract::name(static_cast<DType>(dtype)), name));
}

}  // namespace rnrun
