// The state of lowering one entry: values to buffers, kernels and their calls. Each op family's lowering (the
// other files of this folder) takes a Lowering and one fused group and adds kernels and calls to it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/graph/unique_names.h"
#include "ir/loops/program.h"
#include "passes/lower/body.h"
#include "passes/lower/parts.h"
#include "passes/target.h"

namespace rnc {

// A kernel under construction: its parameters with the buffers they stand for.
class KernelBuilder {
 public:
  explicit KernelBuilder(std::string name) : name_(std::move(name)) {}

  // A parameter for `buffer` seen with these dimensions. Asking again for the same buffer and dimensions
  // returns the same one; read once and written once, its access becomes `update`. `pitch`: as a Memory's.
  loops::MemoryRef param(std::string_view name, int buffer, loops::Scalar scalar,
                         std::vector<loops::Extent> dims, loops::Access access, int64_t pitch = 0);
  Names& names() { return names_; }
  const std::string& name() const { return name_; }
  const std::vector<std::shared_ptr<loops::Memory>>& params() const { return params_; }
  const std::vector<int>& arguments() const { return arguments_; }

 private:
  std::string name_;
  Names names_;
  std::vector<std::shared_ptr<loops::Memory>> params_;
  std::vector<int> arguments_;
};

// The kernels of a program by their text without the name, and their names.
struct KernelIndex {
  std::unordered_map<std::string, int> by_text;
  UniqueNames names;
};

class GroupRecorder;
class GroupValues;
struct GroupRecord;

// Nodes of one fused kernel, in order.
using Group = std::vector<ValueId>;

// An extent per_sample grows with the images of the group at hand: see begin().
class Lowering {
 public:
  Lowering(const Module& module, const Graph& graph, const TargetInfo& target, loops::Program& program,
           KernelIndex& kernels, loops::EntryProgram& entry);

  // Adds the calls of a group; see equal_groups.h.
  void lower(const Group& group);

  const Graph& graph() const { return graph_; }
  const Node& node(ValueId v) const { return graph_[v]; }
  const Type& type(ValueId v) const { return graph_[v].type; }
  const TargetInfo& target() const { return target_; }
  // Of f32, which the kernels are made for.
  int lanes() const { return target_.lanes(DType::f32); }

  // Begins a group whose values have `images` as their first size: the batch, or a number where they have
  // none, as what is computed from parameters alone. Extents that a rule gives, of parameters, temporaries,
  // tasks and work, grow with these images.
  void begin(int64_t images) { images_ = images; }
  loops::Expr images() const { return images_ == kBatch ? loops::batch() : loops::Expr(images_); }
  // The elements of each channel of a value of this type.
  static loops::Expr elements_per_channel(const Type& type);

  // The buffer that holds a value outside its kernel: planned memory, an entry's argument or result, or a
  // module tensor.
  int buffer(ValueId v);
  // Whether the value is used outside the kernel that computes it, and so has to be stored.
  bool stored(ValueId v) const { return stored_.count(v) > 0; }
  int temporary(const std::string& name, loops::Extent bytes);
  int constant(const std::string& name, const std::vector<uint8_t>& bytes);
  // Whether the elements of a concatenation or slice are in its memory already.
  bool copies_nothing(ValueId v) const { return parts_.copies_nothing(v); }

  // The value's array as a kernel parameter with its physical dimensions (scalars: [1]).
  loops::MemoryRef read(KernelBuilder& kernel, std::string_view name, ValueId v);
  loops::MemoryRef write(KernelBuilder& kernel, std::string_view name, ValueId v);
  // The same with the caller's own view of the dimensions.
  loops::MemoryRef view(KernelBuilder& kernel, std::string_view name, ValueId v,
                        std::vector<loops::Extent> dims, loops::Access access);

  // Finishes a kernel and calls it; a kernel that already exists is shared. `of` gives layer and location.
  void call(KernelBuilder& kernel, loops::Extent tasks, Body& body, ValueId of, loops::Work work = {},
            const std::vector<std::pair<ValueId, ValueId>>& in_place = {});
  // Adds a call that copies the elements of a value of `type` from one buffer to another.
  void copy(int from, int to, const Type& type, ValueId of);
  // Copies results whose value could not be computed in place: a state or an argument returned as it is, a
  // value with two destinations, an assignment whose tensor is still read after the value is made.
  void copy_results();

 private:
  struct Destination {
    loops::Region region;
    int index;
  };
  // Values of equal places have one buffer: a place is a number and what it counts.
  using Place = std::pair<int, int64_t>;
  Place place_of(ValueId v) const;
  std::string description(const GroupValues& values) const;
  struct Repetition;
  void lower_again(const GroupRecord& record, const GroupValues& values);
  int make_buffer(ValueId v);
  void add_call(int kernel, std::vector<int> arguments, ValueId of, loops::Work work,
                const std::vector<std::pair<ValueId, ValueId>>& in_place);
  bool moves_nothing(const Node& node) const;
  bool vector_of_channels(const Type& type) const;
  // What an extent that grows with the images at hand is.
  loops::Extent of_images(loops::Extent extent) const;
  // Adds a call that copies an argument of the entry into planned memory, zeros behind it.
  int padded_copy(int from, ValueId v);
  // Adds a call that copies a vector of `count` channels, zeros behind it.
  void pad(int from, int to, int64_t count, ValueId of);
  void index_names();
  void find_stored();
  void find_destinations();
  void find_parts();
  int add_buffer(std::string name, loops::Region region, int index, loops::Extent size,
                 const Type& type = {});

  const Module& module_;
  const Graph& graph_;
  const TargetInfo& target_;
  loops::Program& program_;
  KernelIndex& kernels_;
  loops::EntryProgram& entry_;
  int64_t images_ = kBatch;
  std::unordered_map<std::string, int> tensors_, inputs_;  // places in the module and in the entry, by name
  std::set<ValueId> stored_;
  std::map<ValueId, Destination> destinations_;  // where a value is computed directly
  Parts parts_;
  std::vector<std::pair<ValueId, Destination>> copies_;
  std::map<ValueId, int> buffers_;
  std::map<std::pair<int, int>, int> fixed_buffers_;                            // (region, index)
  std::unordered_map<std::string, std::shared_ptr<const GroupRecord>> groups_;  // by description
  GroupRecorder* recorder_ = nullptr;  // while a group is lowered for the first time
};

loops::Extent extent_of(int64_t dim);  // kBatch becomes N
std::vector<loops::Extent> physical_extents(const Type& type);
loops::Extent storage_bytes(const Type& type);  // rounded up to 64
loops::Extent elements(const Type& type);
int64_t round_up(int64_t a, int64_t b);
int64_t ceil_div(int64_t a, int64_t b);
loops::Expr zeros(int lanes);
// The values as they lie in memory: for constants.
template <class T>
std::vector<uint8_t> bytes_of(const std::vector<T>& values) {
  const auto* first = reinterpret_cast<const uint8_t*>(values.data());
  return {first, first + values.size() * sizeof(T)};
}

}  // namespace rnc
