#include "tests/run/guarded_entries.h"

#include <algorithm>
#include <array>
#include <utility>

namespace rnc::test {
namespace {

using loops::Buffer;
using loops::EntryProgram;
using loops::Region;

// Where an array is placed that begins at `end` at the earliest, if the page before belongs to none.
int64_t place_after(int64_t end, int64_t bytes, Flush flush) {
  const int64_t page = page_bytes();
  const int64_t first = round_up(end, page) + page;
  if (flush == Flush::start) return first;
  const int64_t size = round_up(bytes, RN_ALIGNMENT);
  return first + round_up(size, page) - size;
}

// The tensors as code generation places them: one after another, by kind.
class TensorPlacer {
 public:
  explicit TensorPlacer(Module& module) : module_(&module) {
    for (const Tensor& tensor : module.tensors) take(tensor);
  }

  void add(Tensor tensor, Flush flush) {
    const int64_t bytes = storage_bytes_per_sample(tensor.type);
    fill_up_to(tensor.kind, place_after(end(tensor.kind), bytes, flush));
    append(std::move(tensor));
  }

 private:
  int64_t& end(TensorKind kind) { return ends_[static_cast<size_t>(kind)]; }
  void take(const Tensor& tensor) {
    end(tensor.kind) += round_up(storage_bytes_per_sample(tensor.type), RN_ALIGNMENT);
  }
  void append(Tensor tensor) {
    take(tensor);
    module_->tensors.push_back(std::move(tensor));
  }
  void fill_up_to(TensorKind kind, int64_t offset) {
    Tensor gap;
    gap.name = kGapPrefix + std::to_string(module_->tensors.size());
    gap.kind = kind;
    // The host takes slots and gradients of parameters only: of any, here.
    if (kind == TensorKind::slot || kind == TensorKind::gradient)
      gap.of = std::ranges::find(module_->tensors, TensorKind::parameter, &Tensor::kind)->name;
    gap.type.shape = {(offset - end(kind)) / bytes(DType::f32)};
    append(std::move(gap));
  }

  Module* module_;
  std::array<int64_t, RN_TENSOR_KINDS> ends_{};
};

EntryProgram guarded(EntryProgram entry, Flush flush, int64_t batch, const std::vector<int>& tensors) {
  entry.name = prefix_of(flush) + entry.name;
  loops::Extent end;
  for (Buffer& buffer : entry.buffers) {
    if (buffer.region == Region::tensor) buffer.index = tensors[static_cast<size_t>(buffer.index)];
    if (buffer.region != Region::arena) continue;
    // Whole pages per sample, so that no other batch moves an array within its page.
    buffer.offset = {place_after(end.fixed, buffer.size.at(batch), flush), end.per_sample};
    end = {buffer.offset.fixed + std::max<int64_t>(buffer.size.fixed, 0),
           end.per_sample + round_up(buffer.size.per_sample, page_bytes())};
  }
  end.fixed = round_up(end.fixed, page_bytes());
  entry.arena = {end, end};
  return entry;
}

}  // namespace

std::string prefix_of(Flush flush) { return flush == Flush::start ? "start." : "end."; }

void add_guarded_entries(Module& module, loops::Program& program, int64_t batch) {
  const std::vector<Tensor> tensors = module.tensors;
  const std::vector<EntryProgram> entries = program.entries;
  TensorPlacer placer(module);
  for (const Flush flush : {Flush::end, Flush::start}) {
    std::vector<int> copies;
    for (Tensor tensor : tensors) {
      tensor.name = prefix_of(flush) + tensor.name;
      placer.add(std::move(tensor), flush);
      copies.push_back(static_cast<int>(module.tensors.size()) - 1);
    }
    for (const EntryProgram& entry : entries) program.entries.push_back(guarded(entry, flush, batch, copies));
  }
}

}  // namespace rnc::test
