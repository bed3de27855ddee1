// A compiled model: loading, the checks before its code may run, and look-up in its descriptor.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/contract/abi.h"

namespace rnrun {

class Model {
 public:
  // Loads a model library: of its variants, the best that this CPU runs (variants.h). Throws Error when it is not one, is
  // damaged, was made for another machine or ABI version, or needs CPU features this machine lacks (the message names
  // them); no code of it has run then.
  static std::shared_ptr<const Model> load(const std::string& path);
  // The model an executable carries at its end (rn_trailer in abi.h); null if it carries none. Throws Error
  // when the executable or the model is damaged.
  static std::shared_ptr<const Model> load_carried(const std::string& executable = "/proc/self/exe");
  // A model already in memory, this variant of it, which must outlive this. `path` is for messages. The same checks.
  Model(const rn_model_descriptor& descriptor, std::string path);

  const rn_model_descriptor& descriptor() const { return *descriptor_; }
  const std::string& path() const { return path_; }
  std::string_view name() const { return descriptor_->name; }
  std::span<const rn_tensor> tensors() const;
  std::span<const rn_entry> entries() const;
  const rn_tensor* find_tensor(std::string_view name) const;
  const rn_entry* find_entry(std::string_view name) const;
  // Throws Error naming the entries there are.
  const rn_entry& entry(std::string_view name) const;
  // The entry of a role: null, or Error, if there is none.
  const rn_entry* find_entry(rn_entry_role role) const;
  const rn_entry& entry(rn_entry_role role) const;
  // Does the comma-separated list of features the code needs have this one?
  bool uses_feature(std::string_view feature) const;
  std::string graph_hash() const;  // 16 hexadecimal digits

 private:
  [[noreturn]] void fail_without(std::string_view entry) const;
  struct Close {
    void operator()(void* library) const;
  };
  using Library = std::unique_ptr<void, Close>;
  static std::shared_ptr<const Model> open(const std::string& file, const std::string& path,
                                           std::span<const std::byte> bytes);

  Library library_;
  const rn_model_descriptor* descriptor_;
  std::string path_;
};

// Throws Error where nothing after rn_model_descriptor.features may be read.
void check_version(const rn_model_descriptor& model, const std::string& path);

std::span<const rn_value> inputs(const rn_entry& entry);
std::span<const rn_value> outputs(const rn_entry& entry);
// The first input or output of a role; null if there is none.
const rn_value* find(std::span<const rn_value> values, rn_value_role role);
// Whether training gives this scalar input its value, step by step.
bool is_set_by_training(const rn_value& input);
std::span<const rn_call_info> calls(const rn_entry& entry);

// Why the entry does not run at this batch, "batch norm 'bn1' cannot be trained on one value per channel:
// ..."; empty if it does.
std::string batch_refusal(const rn_entry& entry, int64_t batch);

// What a call does at a batch.
struct CallWork {
  std::string_view algorithm;
  double flops = 0;       // useful, convolutions counted as direct
  double operations = 0;  // of the algorithm's own products
  double bytes = 0;       // read plus written, once each
};
CallWork work_of(const rn_call_info& call, int64_t batch);

inline int64_t at(const rn_extent& extent, int64_t batch) { return extent.fixed + extent.per_sample * batch; }
// What the entry's arena takes at this batch.
const rn_extent& arena(const rn_entry& entry, int64_t batch);

}  // namespace rnrun
