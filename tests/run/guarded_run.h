// A host that leaves a compiled model nothing that runtime/contract/abi.h does not promise: memory that the model may
// not read is NaN or cannot be touched. After every entry it looks at the results and at all padding.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/support/array.h"
#include "tests/run/guarded_memory.h"

namespace rnc::test {

// One run of an entry, and what it gives in an ordinary host.
struct HostedStep {
  std::string entry;
  rnrun::Arrays inputs;
  rnrun::Arrays outputs;
  std::map<std::string, std::vector<std::byte>> tensors;  // all of them afterwards, as the model stores them
};

struct Hosting {
  std::string prefix;  // of the entries and tensors: none, or as in guarded_entries.h
  Flush flush = Flush::end;
  int threads = 1;  // one runs the tasks of a call one by one, the last one first
};

// Where a run is. Another process may look, when the one that runs has crashed.
struct Progress {
  std::atomic<const rn_entry*> entry = nullptr;
  std::atomic<int64_t> call = 0;
};

class GuardedRun {
 public:
  // `tensors`: values to start from; parameters, buffers and slots that are not given are zero.
  GuardedRun(const rn_model_descriptor& model, Hosting hosting, const rnrun::Arrays& tensors,
             Progress& progress);

  // Runs an entry; what is wrong with the first thing that is, or nothing.
  std::string run(const HostedStep& step);

 private:
  struct OwnTensor {
    const rn_tensor* tensor;
    std::string name;  // without the prefix
    std::byte* data;
  };
  static void parallel_for(void* self, int64_t call, int64_t count, rn_task task, const void* frame);

  void place_tensors();
  void set_tensor(const OwnTensor& own, const rnrun::Arrays& given) const;
  const rn_entry& entry(const std::string& name) const;
  void call(const rn_entry& entry, int64_t batch, const std::vector<std::unique_ptr<GuardedMemory>>& inputs,
            const std::vector<std::unique_ptr<GuardedMemory>>& outputs);
  void spoil_scratch(int64_t worker) const;
  std::string tensor_fault(const OwnTensor& own, const HostedStep& step) const;

  const rn_model_descriptor& model_;
  const Hosting hosting_;
  Progress& progress_;
  std::vector<std::unique_ptr<GuardedMemory>> regions_;
  GuardedMemory scratch_;
  std::vector<OwnTensor> tensors_;
  uint32_t written_;  // bit k: tensors of kind k have values
};

}  // namespace rnc::test
