#include "passes/lower/lowering.h"

#include <algorithm>
#include <utility>

#include "passes/lower/equal_groups.h"

namespace rnc {

using loops::Access;
using loops::Extent;
using loops::Region;

Extent extent_of(int64_t dim) { return dim == kBatch ? Extent{0, 1} : Extent{dim, 0}; }

std::vector<Extent> physical_extents(const Type& type) {
  std::vector<Extent> dims;
  for (const int64_t dim : physical_dims(type)) dims.push_back(extent_of(dim));
  if (dims.empty()) dims.push_back({1, 0});
  return dims;
}

int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
loops::Expr zeros(int lanes) { return loops::constant(loops::Scalar::f32, 0, lanes); }

Extent storage_bytes(const Type& type) {
  const int64_t size = round_up(storage_bytes_per_sample(type), 64);
  return has_batch(type.shape) ? Extent{0, size} : Extent{size, 0};
}

Extent elements(const Type& type) {
  const int64_t count = elements_per_sample(type.shape);
  return has_batch(type.shape) ? Extent{0, count} : Extent{count, 0};
}

loops::MemoryRef KernelBuilder::param(std::string_view name, int buffer, loops::Scalar scalar,
                                      std::vector<Extent> dims, Access access, int64_t pitch) {
  for (size_t i = 0; i < params_.size(); ++i) {
    if (arguments_[i] == buffer && params_[i]->dims == dims) {
      if (params_[i]->access != access) params_[i]->access = Access::update;
      return params_[i];
    }
  }
  loops::Memory memory{names_.fresh(name), scalar, std::move(dims), loops::Space::parameter, access, pitch};
  params_.push_back(std::make_shared<loops::Memory>(std::move(memory)));
  arguments_.push_back(buffer);
  return params_.back();
}

Lowering::Lowering(const Module& module, const Graph& graph, const TargetInfo& target,
                   loops::Program& program, KernelIndex& kernels, loops::EntryProgram& entry)
    : module_(module), graph_(graph), target_(target), program_(program), kernels_(kernels), entry_(entry) {
  index_names();
  find_stored();
  find_destinations();
  find_parts();
}

void Lowering::index_names() {
  for (const Tensor& tensor : module_.tensors)
    tensors_.emplace(tensor.name, static_cast<int>(tensors_.size()));
  for (const Node& input : entry_.inputs) inputs_.emplace(input.name, static_cast<int>(inputs_.size()));
}

// A value is stored when a node of another kernel reads it, or when it is a result.
void Lowering::find_stored() {
  for (ValueId v = 0; v < static_cast<ValueId>(graph_.nodes.size()); ++v) {
    const Node& n = graph_[v];
    if (n.op == Op::input || n.op == Op::state) stored_.insert(v);
    if (info(n.op).reads_shape_only) continue;  // reads no element
    for (const ValueId u : n.inputs) {
      if (n.kernel < 0 || graph_[u].kernel != n.kernel) stored_.insert(u);
    }
  }
  for (const Output& output : graph_.outputs) stored_.insert(output.value);
  for (const Assign& assign : graph_.assigns) stored_.insert(assign.value);
}

void Lowering::find_destinations() {
  const auto is_source = [&](ValueId v) { return graph_[v].op == Op::input || graph_[v].op == Op::state; };
  for (size_t i = 0; i < graph_.outputs.size(); ++i) {
    const ValueId v = graph_.outputs[i].value;
    const Destination to{Region::output, static_cast<int>(i)};
    const Type& type = graph_[v].type;
    const bool direct =
        !is_source(v) && type.layout.plain() && !vector_of_channels(type) && destinations_.count(v) == 0;
    if (direct) {
      destinations_.emplace(v, to);
    } else {
      copies_.emplace_back(v, to);
    }
  }
  std::unordered_map<std::string, std::vector<ValueId>> readers;  // by tensor
  for (ValueId v = 0; v < static_cast<ValueId>(graph_.nodes.size()); ++v) {
    for (const ValueId u : graph_[v].inputs) {
      if (graph_[u].op == Op::state) readers[graph_[u].name].push_back(v);
    }
  }
  for (const Assign& assign : graph_.assigns) {
    const int tensor = tensors_.at(assign.tensor);
    const Destination to{Region::tensor, tensor};
    const Node& value = graph_[assign.value];
    bool direct = !is_source(assign.value) &&
                  value.type.layout == module_.tensors[static_cast<size_t>(tensor)].type.layout &&
                  destinations_.count(assign.value) == 0;
    // The old value must not be read after, nor at other places while, the new one is written.
    for (const ValueId v : readers[assign.tensor]) {
      const bool same = graph_[v].kernel == value.kernel && value.kernel >= 0;
      if (same ? info(graph_[v].op).kind != OpKind::elementwise : v > assign.value) direct = false;
    }
    if (direct) {
      destinations_.emplace(assign.value, to);
    } else {
      copies_.emplace_back(assign.value, to);
    }
  }
  // What only reshapes a value lets that value be computed in its own destination.
  for (auto v = static_cast<ValueId>(graph_.nodes.size()) - 1; v >= 0; --v) {
    const auto to = destinations_.find(v);
    if (to == destinations_.end() || !moves_nothing(graph_[v])) continue;
    const ValueId u = graph_[v].inputs[0];
    if (to->second.region == Region::output && vector_of_channels(graph_[u].type)) continue;
    if (!is_source(u) && destinations_.count(u) == 0) destinations_.emplace(u, to->second);
  }
}

void Lowering::find_parts() {
  std::set<ValueId> fixed;
  for (const auto& [v, to] : copies_) fixed.insert(v);
  for (ValueId v = 0; v < static_cast<ValueId>(graph_.nodes.size()); ++v) {
    const Node& node = graph_[v];
    if (node.op == Op::input || node.op == Op::state || destinations_.contains(v)) fixed.insert(v);
    if (moves_nothing(node)) fixed.insert({v, node.inputs[0]});
  }
  parts_ = Parts(graph_, [&](ValueId v) { return graph_[v].kernel >= 0 && stored(v) && !fixed.contains(v); });
}

int Lowering::add_buffer(std::string name, Region region, int index, Extent size, const Type& type) {
  if (region == Region::output || region == Region::tensor) {
    const auto it = fixed_buffers_.find({static_cast<int>(region), index});
    if (it != fixed_buffers_.end()) return it->second;
    fixed_buffers_[{static_cast<int>(region), index}] = static_cast<int>(entry_.buffers.size());
  }
  entry_.buffers.push_back({std::move(name), region, index, size, {}, type});
  return static_cast<int>(entry_.buffers.size()) - 1;
}

// Whether the result lies in memory as the operand does: reshapes of plain values, but to vectors of
// channels, which have zeros behind, and layouts that differ in name only.
bool Lowering::moves_nothing(const Node& node) const {
  if (info(node.op).kind != OpKind::movement) return false;
  const Type& from = graph_[node.inputs[0]].type;
  if (from.dtype != node.type.dtype) return false;
  if (from.layout.plain() && node.type.layout.plain())
    return vector_of_channels(from) || !vector_of_channels(node.type);
  const auto dense = [](const Type& t) {  // all dimensions but the channels are 1, and no channel is padding
    for (size_t i = 2; i < t.shape.size(); ++i) {
      if (t.shape[i] != 1 || t.layout.block(static_cast<int>(i)) != 1) return false;
    }
    return t.layout.order.empty() && t.shape.size() > 1 && t.shape[1] % t.layout.block(1) == 0 &&
           t.layout.block(0) == 1;
  };
  return dense(from) && dense(node.type);
}

int Lowering::buffer(ValueId v) {
  const auto known = buffers_.find(v);
  GroupRecorder* const recorder = std::exchange(recorder_, nullptr);  // making it takes no part in the record
  const int buffer = known != buffers_.end() ? known->second : make_buffer(v);
  recorder_ = recorder;
  if (recorder_ != nullptr) recorder_->value_buffer(v, buffer);
  return buffer;
}

// As buffer(), without asking where it lies.
Lowering::Place Lowering::place_of(ValueId v) const {
  enum { fixed, value };
  const auto region = [](Region r, int index) { return Place{fixed, static_cast<int64_t>(r) << 32 | index}; };
  const Node& n = graph_[v];
  if (n.op == Op::state) return region(Region::tensor, tensors_.at(n.name));
  if (n.op == Op::input) return {value, v};
  const auto to = destinations_.find(v);
  if (to != destinations_.end()) return region(to->second.region, to->second.index);
  return moves_nothing(n) ? place_of(n.inputs[0]) : Place{value, v};
}

int Lowering::make_buffer(ValueId v) {
  const Node& n = graph_[v];
  int made = -1;
  if (n.op == Op::input) {
    const int index = inputs_.at(n.name);
    const Extent count = elements(n.type);
    const int64_t size = rnc::bytes(n.type.dtype);
    made = add_buffer(n.name, Region::input, index, count * size);
    if (vector_of_channels(n.type)) made = padded_copy(made, v);
  } else if (n.op == Op::state) {
    made = add_buffer(n.name, Region::tensor, tensors_.at(n.name), storage_bytes(n.type), n.type);
  } else if (const auto to = destinations_.find(v); to != destinations_.end()) {
    made = add_buffer(n.name, to->second.region, to->second.index, storage_bytes(n.type), n.type);
  } else if (moves_nothing(n)) {
    made = buffer(n.inputs[0]);
  } else if (const Part* part = parts_.find(v)) {
    const int whole = buffer(part->whole);
    made = add_buffer(n.name, Region::part, whole, {0, storage_bytes_per_sample(n.type)}, n.type);
    entry_.buffers.back().offset = {part->offset, part->pitch};
  } else {
    made = add_buffer(n.name, Region::arena, -1, storage_bytes(n.type), n.type);
  }
  return buffers_[v] = made;
}

Extent Lowering::of_images(Extent extent) const {
  return images_ == kBatch ? extent : Extent{extent.at(images_), 0};
}

loops::Expr Lowering::elements_per_channel(const Type& type) {
  const int64_t count = elements_per_sample(type.shape) / type.shape[1];
  return has_batch(type.shape) ? loops::batch() * count : loops::Expr(count);
}

int Lowering::temporary(const std::string& name, Extent bytes) {
  bytes = of_images(bytes);
  const Extent rounded{round_up(bytes.fixed, 64), round_up(bytes.per_sample, 64)};
  const int buffer = add_buffer(name, Region::arena, -1, rounded);
  if (recorder_ != nullptr) recorder_->temporary(name, bytes, buffer);
  return buffer;
}

int Lowering::constant(const std::string& name, const std::vector<uint8_t>& bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  const auto it = std::find(program_.constants.begin(), program_.constants.end(), bytes);
  const auto index = static_cast<int>(it - program_.constants.begin());
  if (it == program_.constants.end()) program_.constants.push_back(bytes);
  const int buffer = add_buffer(name, Region::constant, index, {size, 0});
  if (recorder_ != nullptr) recorder_->constant(name, bytes, buffer);
  return buffer;
}

loops::MemoryRef Lowering::view(KernelBuilder& kernel, std::string_view name, ValueId v,
                                std::vector<Extent> dims, Access access) {
  const Part* part = parts_.find(v);
  return kernel.param(name, buffer(v), type(v).dtype, std::move(dims), access,
                      part == nullptr ? 0 : part->pitch / rnc::bytes(type(v).dtype));
}

loops::MemoryRef Lowering::read(KernelBuilder& kernel, std::string_view name, ValueId v) {
  return view(kernel, name, v, physical_extents(type(v)), Access::read);
}

loops::MemoryRef Lowering::write(KernelBuilder& kernel, std::string_view name, ValueId v) {
  return view(kernel, name, v, physical_extents(type(v)), Access::write);
}

void Lowering::call(KernelBuilder& builder, Extent tasks, Body& body, ValueId of, loops::Work work,
                    const std::vector<std::pair<ValueId, ValueId>>& in_place) {
  const Node& origin = graph_[of];
  loops::Kernel kernel;
  for (const auto& param : builder.params()) {
    for (Extent& dim : param->dims) dim = of_images(dim);
    kernel.params.push_back(param);
  }
  kernel.tasks = of_images(tasks);
  for (Extent* extent : {&work.flops, &work.bytes, &work.operations, &work.direct_bytes})
    *extent = of_images(*extent);
  kernel.body = loops::block(body.finish());
  kernel.code_vector_bytes = target_.vector_bytes;
  std::string text = loops::print(kernel);
  auto it = kernels_.by_text.find(text);
  if (it == kernels_.by_text.end()) {
    const bool free = kernels_.names.take(builder.name());
    kernel.name = free ? builder.name() : kernels_.names.numbered(builder.name() + "_", 2);
    kernel.location = origin.location;
    kernel.layer = origin.layer.empty() ? origin.name : origin.layer;
    loops::verify(kernel);
    it = kernels_.by_text.emplace(std::move(text), static_cast<int>(program_.kernels.size())).first;
    program_.kernels.push_back(std::move(kernel));
  }
  if (recorder_ != nullptr) {
    recorder_->call(it->second, of, builder.arguments(), in_place, work);
  }
  add_call(it->second, builder.arguments(), of, std::move(work), in_place);
}

void Lowering::add_call(int kernel, std::vector<int> arguments, ValueId of, loops::Work work,
                        const std::vector<std::pair<ValueId, ValueId>>& in_place) {
  const Node& origin = graph_[of];
  loops::Call made{kernel,
                   origin.layer.empty() ? origin.name : origin.layer,
                   origin.location,
                   std::move(arguments),
                   {},
                   std::move(work)};
  for (const auto& [written, read] : in_place) made.in_place.emplace_back(buffer(written), buffer(read));
  if (made.work.operations == Extent{}) made.work.operations = made.work.flops;
  if (!made.work.algorithm.empty()) {
    entry_.direct_flops.fixed += made.work.flops.fixed;
    entry_.direct_flops.per_sample += made.work.flops.per_sample;
  }
  entry_.calls.push_back(std::move(made));
}

}  // namespace rnc
