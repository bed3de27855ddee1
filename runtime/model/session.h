// A model with its memory and threads: tensors to read and set, entries to run.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/model/model.h"
#include "runtime/model/profile.h"
#include "runtime/support/array.h"
#include "runtime/support/error.h"
#include "runtime/support/memory.h"
#include "runtime/support/thread_pool.h"

namespace rnrun {

// Sees what calls have computed.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  // After call number `call`; `arena` was zero before the run.
  virtual void after(int64_t call, const std::byte* arena) = 0;
};

// Told before a run's calls how many of how many are done. Where it returns false the run ends, which throws Cancelled; of
// an entry that trains only while the loss is computed, so that it updates nothing, or all.
using RunProgress = std::function<bool(int64_t done, int64_t calls)>;
struct Cancelled : Error {
  using Error::Error;
};

// Where to record a run; each may be null, but there is no trace without a profile.
struct Recorder {
  Profile* profile = nullptr;
  Trace* trace = nullptr;
  CallObserver* observer = nullptr;
};

// Not for several threads at once. `pool`, and `allocator` where memory comes from one, must outlive it.
class Session {
 public:
  // Prepared tensors that came with the model are there from the beginning.
  Session(std::shared_ptr<const Model> model, ThreadPool& pool, const Allocator* allocator = nullptr);

  const Model& model() const { return *model_; }
  ThreadPool& pool() const { return *pool_; }

  // Sets parameters, buffers and slots to their initial values (initialize.h).
  void initialize(uint64_t seed);
  // A tensor in plain layout.
  Array tensor(const rn_tensor& tensor) const;
  Arrays tensors(std::initializer_list<rn_tensor_kind> kinds) const;
  // `source` is for messages. Throws Error naming the tensor when type or shape differ.
  void set_tensor(const rn_tensor& tensor, const Array& value, std::string_view source);
  // Sets all tensors of these kinds. Throws Error naming every missing, extra and misshapen tensor, and
  // changes nothing then. PyTorch's "num_batches_tracked" counters are passed over.
  void set_tensors(std::initializer_list<rn_tensor_kind> kinds, const Arrays& values,
                   std::string_view source);

  // A value for the scalar input of this name of every entry, instead of the model's default.
  void set_scalar(const std::string& name, double value) { scalars_[name] = value; }
  // The same for an input f32[...] without a batch, whose elements these are.
  void set_shared_input(const std::string& name, std::vector<float> values) {
    shared_inputs_[name] = std::move(values);
  }
  // What such an input gets where a call gives nothing else: ones where nothing was set, as of weights.
  std::vector<float> shared_input(const rn_value& input) const;
  // What a scalar input gets where a call gives nothing else; NaN: nothing.
  double scalar(const rn_value& input) const;

  // All tensors of a kind, in the layout of the model's code: each at its rn_tensor.offset, zeros between
  // them. To exchange the memory for another of the same size is to exchange the tensors.
  Memory& region(rn_tensor_kind kind) { return regions_[static_cast<size_t>(kind)]; }

  // Runs entry prepare if `entry` reads what it makes: needed after tensors changed, but by the training
  // entries, only when weights were set (they read what frozen layers make, which training does not change).
  void prepare_for(const rn_entry& entry);
  // Takes the memory in which `entry` can run at `batch`, if it is not there yet. Throws Error when the
  // process cannot have so much, and `other` bytes besides (memory.h): it says how large a batch could be.
  void reserve(const rn_entry& entry, int64_t batch, rn_extent other = {});
  // Of every run from now on; none where it is empty.
  void set_progress(RunProgress progress) { progress_ = std::move(progress); }
  // Runs an entry: `inputs` and `outputs` in its order, RN_ALIGNMENT-aligned and large enough for `batch`.
  // Reserves what it needs.
  void run(const rn_entry& entry, int64_t batch, std::span<const void* const> inputs,
           std::span<void* const> outputs, Recorder recorder = {});
  // Runs an entry on arrays; scalar inputs with a default may be left out. The batch is that of the inputs, 1
  // if none has one. Returns the entry's outputs by name. Throws Error naming missing, extra or misshapen
  // inputs; `source` says where they came from.
  Arrays call(std::string_view entry, const Arrays& inputs, std::string_view source = "the call");

 private:
  std::byte* place(const rn_tensor& tensor) const {
    return regions_[static_cast<size_t>(tensor.kind)].data() + tensor.offset;
  }
  void take_values(const rn_tensor& tensor);

  std::shared_ptr<const Model> model_;
  ThreadPool* pool_;
  const Allocator* allocator_;
  RunProgress progress_;
  std::map<std::string, double, std::less<>> scalars_;
  std::map<std::string, std::vector<float>, std::less<>> shared_inputs_;
  std::array<Memory, RN_TENSOR_KINDS> regions_;
  Memory arena_;
  Memory scratch_;
};

}  // namespace rnrun
