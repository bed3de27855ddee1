#include "runtime/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "runtime/error.h"
#include "runtime/lr_schedule.h"
#include "runtime/safetensors.h"

namespace rnrun {

namespace {

constexpr const char* kFormat = "rnrun checkpoint 1";
constexpr const char* kRandom = "philox4x32-10";
constexpr int64_t kMaxCount = int64_t{1} << 40;  // of steps and samples in a checkpoint that is not damaged
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
      throw Error(fmt::format("{}: damaged checkpoint: {} = '{}'", path_, key, value));
    return result;
  }

 private:
  const Metadata& metadata_;
  const std::string& path_;
};

// A model with the same tensors may still compute something else.
void check_hash(const Metadata& metadata, const std::string& path, const Model& model) {
  const auto hash = metadata.find("graph_hash");
  if (hash == metadata.end() || hash->second == model.graph_hash()) return;
  const auto name = metadata.find("model");
  throw Error(fmt::format("{} is a checkpoint of another model: {} with graph hash {}, not {} with {}", path,
                          name == metadata.end() ? "one" : name->second, hash->second, model.name(),
                          model.graph_hash()));
}

}  // namespace

void save_checkpoint(const std::string& path, const Session& session, const Checkpoint& c) {
  TensorFile file;
  Metadata& m = file.metadata;
  m["format"] = kFormat;
  m["model"] = std::string(session.model().name());
  m["graph_hash"] = session.model().graph_hash();
  m["rng"] = kRandom;
  m["seed"] = fmt::format("{}", c.settings.seed);
  m["data"] = c.settings.data;
  m["epochs"] = fmt::format("{}", c.settings.epochs);
  m["batch_size"] = fmt::format("{}", c.settings.batch_size);
  m["lr"] = fmt::format("{}", c.settings.lr);
  m["lr_schedule"] = c.settings.lr_schedule;
  m["limit_batches"] = fmt::format("{}", c.settings.limit_batches);
  for (const auto& [name, value] : c.settings.hyper) m["hyper." + name] = fmt::format("{}", value);
  m["epoch"] = fmt::format("{}", c.position.epoch);
  m["position"] = fmt::format("{}", c.position.position);
  m["step"] = fmt::format("{}", c.position.step);
  m["epoch_samples"] = fmt::format("{}", c.position.metrics.samples);
  m["epoch_loss_sum"] = fmt::format("{}", c.position.metrics.loss_sum);
  m["epoch_top1"] = fmt::format("{}", c.position.metrics.top1);
  m["epoch_top5"] = fmt::format("{}", c.position.metrics.top5);
  file.tensors = session.tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT});
  write_safetensors(path, file);
}

Checkpoint load_checkpoint(const std::string& path, Session& session) {
  const TensorFile file = read_safetensors(path);
  const MetadataReader m(file.metadata, path);
  if (m.text("format") != kFormat || m.text("rng") != kRandom)
    throw Error(fmt::format("{}: a checkpoint of another version of rnrun: format '{}', rng '{}'", path,
                            m.text("format"), m.text("rng")));
  session.set_tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT}, file.tensors, path);
  check_hash(file.metadata, path, session.model());

  Checkpoint c;
  constexpr double kLargest = std::numeric_limits<double>::max();
  c.settings.seed = m.number<uint64_t>("seed", 0, std::numeric_limits<uint64_t>::max());
  c.settings.data = m.text("data");
  c.settings.epochs = m.number<int64_t>("epochs", 0, kMaxEpochs);
  c.settings.batch_size = m.number<int64_t>("batch_size", 1, kMaxBatch);
  c.settings.lr = m.number<double>("lr", 0, kLargest);
  c.settings.lr_schedule = m.text("lr_schedule");
  if (std::ranges::find(lr_schedules(), c.settings.lr_schedule) == lr_schedules().end())
    throw Error(fmt::format("{}: lr_schedule '{}' is not one of {}", path, c.settings.lr_schedule,
                            fmt::join(lr_schedules(), ", ")));
  c.settings.limit_batches = m.number<int64_t>("limit_batches", 0, kMaxCount);
  for (const auto& [key, value] : file.metadata)
    if (key.starts_with("hyper."))
      c.settings.hyper[key.substr(6)] = m.number<double>(key, -kLargest, kLargest);
  c.position.epoch = m.number<int64_t>("epoch", 0, kMaxEpochs);
  c.position.position = m.number<int64_t>("position", 0, kMaxCount);
  c.position.step = m.number<int64_t>("step", 0, kMaxCount);
  c.position.metrics.samples = m.number<int64_t>("epoch_samples", 0, kMaxCount);
  c.position.metrics.loss_sum = m.number<double>("epoch_loss_sum", -kLargest, kLargest);
  c.position.metrics.top1 = m.number<int64_t>("epoch_top1", 0, kMaxCount);
  c.position.metrics.top5 = m.number<int64_t>("epoch_top5", 0, kMaxCount);
  return c;
}

void load_weights(const std::string& path, Session& session) {
  const TensorFile file = read_safetensors(path);
  bool slots = false;
  for (const auto& [name, value] : file.tensors) {
    const rn_tensor* t = session.model().find_tensor(name);
    slots |= t != nullptr && t->kind == RN_SLOT;
  }
  if (slots)
    session.set_tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT}, file.tensors, path);
  else
    session.set_tensors({RN_PARAMETER, RN_BUFFER}, file.tensors, path);
  check_hash(file.metadata, path, session.model());
}

}  // namespace rnrun
