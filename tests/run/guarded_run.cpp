#include "tests/run/guarded_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "ir/graph/diagnostics.h"
#include "runtime/model/layout.h"
#include "runtime/model/model.h"
#include "tests/run/guarded_entries.h"

namespace rnc::test {
namespace {

constexpr uint32_t bit(int32_t kind) { return uint32_t{1} << kind; }

// A name without the prefix; nothing if it has another one.
std::optional<std::string> own_name(std::string_view name, const std::string& prefix) {
  if (!prefix.empty())
    return name.starts_with(prefix) ? std::optional<std::string>(name.substr(prefix.size())) : std::nullopt;
  for (const std::string& other : {prefix_of(Flush::start), prefix_of(Flush::end), std::string(kGapPrefix)})
    if (name.starts_with(other)) return std::nullopt;
  return std::string(name);
}

// What is wrong with bytes that are not those of the ordinary run: the first element that is no finite number, or
// no more than that. (Where a training diverges, the ordinary run's are not finite either.)
std::string difference(std::span<const std::byte> bytes) {
  for (size_t i = 0; i + sizeof(float) <= bytes.size(); i += sizeof(float)) {
    float value = 0;
    std::memcpy(&value, bytes.data() + i, sizeof value);
    if (!std::isfinite(value)) return fmt::format("has {} at {}", value, i / sizeof value);
  }
  return "differs from the ordinary run";
}

// The first element of a tensor's padding that is not zero, in words; -0 is zero.
std::string padding_fault(std::span<const std::byte> stored, std::span<const std::byte> clean) {
  for (size_t i = 0; i + sizeof(float) <= stored.size(); i += sizeof(float)) {
    float value = 0;
    float expected = 0;
    std::memcpy(&value, stored.data() + i, sizeof value);
    std::memcpy(&expected, clean.data() + i, sizeof expected);
    if (std::memcmp(&value, &expected, sizeof value) != 0 && value != 0)
      return fmt::format("has {} in its padding, at {}", value, i / sizeof value);
  }
  return "";
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) { return std::ranges::equal(a, b); }

int64_t batch_of(const rn_entry& entry, const rnrun::Arrays& inputs) {
  for (const rn_value& value : rnrun::inputs(entry))
    if (value.type.rank > 0 && value.type.dims[0] < 0) return inputs.at(value.name).shape[0];
  return 1;
}

std::string output_fault(const rn_value& value, const GuardedMemory& memory, const rnrun::Array& expected) {
  std::vector<std::byte> untouched(memory.slack().size());
  fill_with_garbage(untouched);
  if (!same(memory.slack(), untouched)) return fmt::format("writes behind the output '{}'", value.name);
  if (same(memory.bytes(), expected.data)) return "";
  return fmt::format("the output '{}' {}", value.name, difference(memory.bytes()));
}

}  // namespace

GuardedRun::GuardedRun(const rn_model_descriptor& model, Hosting hosting, const rnrun::Arrays& tensors,
                       Progress& progress)
    : model_(model),
      hosting_(std::move(hosting)),
      progress_(progress),
      scratch_(model.scratch_bytes_per_worker * hosting_.threads, hosting_.flush),
      written_(bit(RN_PARAMETER) | bit(RN_BUFFER) | bit(RN_SLOT)) {
  place_tensors();
  for (const OwnTensor& own : tensors_) set_tensor(own, tensors);
}

// What shares the region with tensors of another prefix begins with a page: guarded_entries.h counts from
// there.
void GuardedRun::place_tensors() {
  for (int kind = 0; kind < RN_TENSOR_KINDS; ++kind) {
    regions_.push_back(std::make_unique<GuardedMemory>(
        model_.region_bytes[kind], hosting_.prefix.empty() ? hosting_.flush : Flush::start));
    std::vector<Interval> parts;
    for (int64_t i = 0; i < model_.tensor_count; ++i) {
      const rn_tensor& tensor = model_.tensors[i];
      const auto name = own_name(tensor.name, hosting_.prefix);
      if (tensor.kind != kind || !name) continue;
      tensors_.push_back({&tensor, *name, regions_.back()->data() + tensor.offset});
      parts.push_back({tensor.offset, tensor.offset + round_up(tensor.bytes, RN_ALIGNMENT)});
    }
    regions_.back()->open_only(parts);
  }
}

// Gradients and prepared tensors are NaN until an entry has computed them, but for their padding.
void GuardedRun::set_tensor(const OwnTensor& own, const rnrun::Arrays& given) const {
  const rn_tensor& tensor = *own.tensor;
  std::fill_n(own.data, round_up(tensor.bytes, RN_ALIGNMENT), std::byte{0});
  const auto value = given.find(own.name);
  if ((written_ & bit(tensor.kind)) == 0) {
    std::vector<std::byte> garbage(static_cast<size_t>(rnrun::plain_bytes(tensor.type)));
    fill_with_garbage(garbage);
    rnrun::from_plain(tensor.type, garbage.data(), own.data);
  } else if (value != given.end()) {
    rnrun::from_plain(tensor.type, value->second.data.data(), own.data);
  }
}

const rn_entry& GuardedRun::entry(const std::string& name) const {
  for (int64_t i = 0; i < model_.entry_count; ++i)
    if (hosting_.prefix + name == model_.entries[i].name) return model_.entries[i];
  unreachable("entry of a hosted model");
}

// What a worker's scratch memory held before a call is nothing that a task may use.
void GuardedRun::spoil_scratch(int64_t worker) const {
  const auto stride = static_cast<size_t>(model_.scratch_bytes_per_worker);
  fill_with_garbage(scratch_.bytes().subspan(static_cast<size_t>(worker) * stride, stride));
}

void GuardedRun::parallel_for(void* context, int64_t call, int64_t count, rn_task task, const void* frame) {
  const auto& self = *static_cast<const GuardedRun*>(context);
  self.progress_.call = call;
  const int threads = self.hosting_.threads;
  if (threads == 1) {
    self.spoil_scratch(0);
    for (int64_t i = count; i-- > 0;) task(frame, i, i + 1, 0);
    return;
  }
  std::vector<std::jthread> team;
  for (int64_t worker = 0; worker < threads; ++worker) {
    const int64_t begin = count * worker / threads;
    const int64_t end = count * (worker + 1) / threads;
    if (begin == end) continue;
    team.emplace_back([=, &self] {
      self.spoil_scratch(worker);
      task(frame, begin, end, worker);
    });
  }
}

void GuardedRun::call(const rn_entry& entry, int64_t batch,
                      const std::vector<std::unique_ptr<GuardedMemory>>& inputs,
                      const std::vector<std::unique_ptr<GuardedMemory>>& outputs) {
  const GuardedMemory arena(rnrun::at(rnrun::arena(entry, batch), batch),
                            hosting_.prefix.empty() ? hosting_.flush : Flush::start);
  std::vector<Interval> parts;
  for (int64_t i = 0; i < entry.buffer_count; ++i) {
    const int64_t begin = rnrun::at(entry.buffers[i].offset, batch);
    parts.push_back({begin, begin + rnrun::at(entry.buffers[i].bytes, batch)});
  }
  arena.open_only(parts);

  std::vector<const void*> in;
  std::vector<void*> out;
  for (const auto& memory : inputs) in.push_back(memory->data());
  for (const auto& memory : outputs) out.push_back(memory->data());
  rn_run run{};
  run.batch = batch;
  run.inputs = in.data();
  run.outputs = out.data();
  for (int kind = 0; kind < RN_TENSOR_KINDS; ++kind)
    run.tensors[kind] =
        (entry.tensor_kinds & bit(kind)) != 0 ? regions_[static_cast<size_t>(kind)]->data() : nullptr;
  run.arena = arena.data();
  run.threads = hosting_.threads;
  run.scratch = scratch_.data();
  run.parallel_for = parallel_for;
  run.context = this;
  progress_.entry = &entry;
  entry.run(&run);
}

std::string GuardedRun::tensor_fault(const OwnTensor& own, const HostedStep& step) const {
  const rn_tensor& tensor = *own.tensor;
  std::vector<std::byte> plain(static_cast<size_t>(rnrun::plain_bytes(tensor.type)));
  std::vector<std::byte> clean(static_cast<size_t>(round_up(tensor.bytes, RN_ALIGNMENT)));
  rnrun::to_plain(tensor.type, own.data, plain.data());
  rnrun::from_plain(tensor.type, plain.data(), clean.data());
  const std::span<const std::byte> stored(own.data, clean.size());
  const std::string fault = padding_fault(stored, clean);
  if (!fault.empty()) return fmt::format("'{}' {}", own.name, fault);
  const bool written = (written_ & bit(tensor.kind)) != 0;
  if (!written || same(stored.first(static_cast<size_t>(tensor.bytes)), step.tensors.at(own.name))) return "";
  return fmt::format("'{}' {}", own.name, difference(plain));
}

std::string GuardedRun::run(const HostedStep& step) {
  const rn_entry& entry = this->entry(step.entry);
  const int64_t batch = batch_of(entry, step.inputs);
  std::vector<std::unique_ptr<GuardedMemory>> inputs, outputs;
  for (const rn_value& value : rnrun::inputs(entry)) {
    const rnrun::AlignedBytes& data = step.inputs.at(value.name).data;
    inputs.push_back(std::make_unique<GuardedMemory>(static_cast<int64_t>(data.size()), hosting_.flush));
    std::ranges::copy(data, inputs.back()->data());
    inputs.back()->forbid_writes();
  }
  for (const rn_value& value : rnrun::outputs(entry))
    outputs.push_back(std::make_unique<GuardedMemory>(rnrun::plain_bytes(value.type, batch), hosting_.flush));
  call(entry, batch, inputs, outputs);

  if (step.entry == "prepare") written_ |= bit(RN_PREPARED);
  if (step.entry == "backward") written_ |= bit(RN_GRADIENT);
  std::string fault;
  for (size_t i = 0; i < outputs.size() && fault.empty(); ++i) {
    const rn_value& value = entry.outputs[i];
    fault = output_fault(value, *outputs[i], step.outputs.at(value.name));
  }
  for (size_t i = 0; i < tensors_.size() && fault.empty(); ++i) fault = tensor_fault(tensors_[i], step);
  return fault.empty() ? "" : fmt::format("{}: {}", entry.name, fault);
}

}  // namespace rnc::test
