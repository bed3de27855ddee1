#include "runtime/train/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "runtime/contract/safetensors.h"
#include "runtime/support/error.h"
#include "runtime/support/safetensors.h"
#include "runtime/task/task.h"

namespace rnrun {

namespace {

constexpr const char* kFormat = "rnrun checkpoint 3";
constexpr const char* kRandom = "philox4x32-10";
const std::string kEma = "ema.";      // begins the names of moving averages
const std::string kInput = "input.";  // and of inputs without a batch
constexpr std::array<std::pair<const char*, int64_t TrainPosition::*>, 6> kCounts = {
    {{"epoch", &TrainPosition::epoch},
     {"position", &TrainPosition::position},
     {"step", &TrainPosition::step},
     {"ema_updates", &TrainPosition::ema_updates},
     {"best_epoch", &TrainPosition::best_epoch},
     {"not_better", &TrainPosition::not_better}}};
using Metadata = std::map<std::string, std::string>;

// The metadata of one file: every problem is an Error that names the file and the key.
class MetadataReader {
 public:
  MetadataReader(const Metadata& metadata, const std::string& path) : metadata_(metadata), path_(path) {}

  const std::string& text(const std::string& key) const {
    const auto found = metadata_.find(key);
    if (found == metadata_.end())
      throw Error(fmt::format("{}: not a checkpoint of rnrun: no '{}'", path_, key));
    return found->second;
  }

  template <class T>
  T number(const std::string& key, T smallest, T largest) const {
    const std::string& value = text(key);
    T result{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc() || end != value.data() + value.size() ||
        !(result >= smallest && result <= largest))
      fail(key);
    return result;
  }

  [[noreturn]] void fail(const std::string& key) const {
    throw Error(fmt::format("{}: damaged checkpoint: {} = '{}'", path_, key, text(key)));
  }

 private:
  const Metadata& metadata_;
  const std::string& path_;
};

// Takes the moving averages out of `tensors`.
Arrays take_averages(Arrays& tensors) {
  Arrays averages;
  for (auto it = tensors.lower_bound(kEma); it != tensors.end() && it->first.starts_with(kEma);) {
    averages[it->first.substr(kEma.size())] = std::move(it->second);
    it = tensors.erase(it);
  }
  return averages;
}

std::string best_key(const Task& task) { return fmt::format("best_{}", task.criterion().key); }

}  // namespace

TensorFile checkpoint_file(const Session& session, const Checkpoint& c) {
  TensorFile file;
  Metadata& m = file.metadata;
  m["format"] = kFormat;
  m["model"] = std::string(session.model().name());
  m["graph_hash"] = session.model().graph_hash();
  m["rng"] = kRandom;
  m["data"] = c.settings.data;
  if (!c.classes.empty()) m[contract::kClassesKey] = contract::class_names_text(c.classes);
  for (const Setting& setting : train_settings()) m[std::string(setting.name)] = text_of(c.settings, setting);
  for (const auto& [name, field] : text_settings())
    if (!(c.settings.*field).empty()) m[name] = c.settings.*field;
  if (c.settings.val_split_of > 0) m[std::string(kValSplitOf)] = fmt::format("{}", c.settings.val_split_of);
  for (const auto& [name, value] : c.settings.hyper) m["hyper." + name] = fmt::format("{}", value);
  for (const auto& [name, values] : c.settings.shared_inputs)
    m[kInput + name] = fmt::format("{}", fmt::join(values, ","));
  for (const auto& [name, field] : kCounts) m[name] = fmt::format("{}", c.position.*field);
  m["epoch_samples"] = fmt::format("{}", c.position.metrics.samples);
  m["epoch_loss_sum"] = fmt::format("{}", c.position.metrics.loss_sum);
  const auto task = task_of(session.model(), session.model().entry(RN_TRAIN_STEP));
  const std::vector<std::string> sums = task->sums();
  for (size_t i = 0; i < sums.size(); ++i)
    m["epoch_" + sums[i]] =
        fmt::format("{}", c.position.metrics.sums.empty() ? 0 : c.position.metrics.sums[i]);
  m[best_key(*task)] = fmt::format("{}", c.position.best);
  file.tensors = session.tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT});
  for (const auto& [name, value] : c.ema) file.tensors[kEma + name] = value;
  return file;
}

void save_checkpoint(const std::string& path, const Session& session, const Checkpoint& checkpoint) {
  write_safetensors(path, checkpoint_file(session, checkpoint));
}

std::vector<std::string> checkpoint_classes(const Metadata& metadata, const std::string& path) {
  try {
    return contract::class_names(metadata);
  } catch (const contract::FormatError& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

std::map<std::string, std::vector<float>> checkpoint_inputs(const Metadata& metadata,
                                                            const std::string& path) {
  std::map<std::string, std::vector<float>> inputs;
  for (auto it = metadata.lower_bound(kInput); it != metadata.end() && it->first.starts_with(kInput); ++it) {
    std::vector<float>& values = inputs[it->first.substr(kInput.size())];
    const char* at = it->second.data();
    const char* const end = at + it->second.size();
    while (at <= end) {
      float value = 0;
      const auto [read, error] = std::from_chars(at, end, value);
      if (error != std::errc() || !std::isfinite(value) || (read != end && *read != ','))
        throw Error(fmt::format("{}: damaged checkpoint: {} = '{}'", path, it->first, it->second));
      values.push_back(value);
      at = read + 1;
    }
  }
  return inputs;
}

Checkpoint load_checkpoint(const std::string& path, Session& session) {
  return take_checkpoint(read_safetensors(path), path, session);
}

Checkpoint take_checkpoint(TensorFile file, const std::string& path, Session& session) {
  const MetadataReader m(file.metadata, path);
  if (m.text("format") != kFormat || m.text("rng") != kRandom)
    throw Error(fmt::format("{}: a checkpoint of another version of rnrun: format '{}', rng '{}'", path,
                            m.text("format"), m.text("rng")));
  Checkpoint c;
  c.ema = take_averages(file.tensors);
  session.set_tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT}, file.tensors, path);
  const Model& model = session.model();
  const std::string other = contract::other_model(file.metadata, model.name(), model.graph_hash());
  if (!other.empty()) throw Error(fmt::format("{} is {}", path, other));

  constexpr double kLargest = std::numeric_limits<double>::max();
  c.settings.data = m.text("data");
  c.classes = checkpoint_classes(file.metadata, path);
  for (const Setting& setting : train_settings()) {
    const std::string key(setting.name);  // an older rnrun may not have known it
    if (file.metadata.contains(key) && !set(c.settings, setting, m.text(key))) m.fail(key);
  }
  for (const auto& [name, field] : text_settings())
    if (file.metadata.contains(name)) c.settings.*field = m.text(name);
  if (file.metadata.contains(std::string(kValSplitOf)))
    c.settings.val_split_of = m.number<int64_t>(std::string(kValSplitOf), 0, kMaxCount);
  for (const auto& [key, value] : file.metadata)
    if (key.starts_with("hyper."))
      c.settings.hyper[key.substr(6)] = m.number<double>(key, -kLargest, kLargest);
  c.settings.shared_inputs = checkpoint_inputs(file.metadata, path);
  for (const auto& [name, field] : kCounts) c.position.*field = m.number<int64_t>(name, 0, kMaxCount);
  c.position.metrics.samples = m.number<int64_t>("epoch_samples", 0, kMaxCount);
  c.position.metrics.loss_sum = m.number<double>("epoch_loss_sum", -kLargest, kLargest);
  const auto task = task_of(model, model.entry(RN_TRAIN_STEP));
  for (const std::string& sum : task->sums())
    c.position.metrics.sums.push_back(m.number<double>("epoch_" + sum, -kLargest, kLargest));
  c.position.best = m.number<double>(best_key(*task), -kLargest, kLargest);
  return c;
}

}  // namespace rnrun
