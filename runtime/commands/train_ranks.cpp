#include "runtime/commands/train_ranks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "runtime/contract/checksum.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

namespace {

constexpr int64_t kCompared = 256;  // samples

std::string checksum_of_file(const std::string& path) {
  const AlignedBytes bytes = read_file(path);
  return contract::checksum_text(contract::checksum_of({std::span<const std::byte>(bytes)}));
}

// Those that do not change the weights where a rank may have its own.
bool may_differ(std::string_view setting) { return setting == "print_freq"; }

std::string checksum_of_samples(const Dataset& data) {
  std::string checksums;
  Sample sample;
  const int64_t count = std::min(data.size(), kCompared);
  for (int64_t i = 0; i < count; ++i) {
    try {
      data.read(i * data.size() / count, Random(0, 0), sample);
    } catch (const Error& error) {  // a damaged image is damaged on every rank, or they differ
      checksums += "damaged;";
      continue;
    }
    for (const SampleTensor& tensor : sample)
      checksums += contract::checksum_text(contract::checksum_of({std::as_bytes(std::span(tensor.bytes))}));
  }
  const auto bytes = std::as_bytes(std::span(checksums));
  return contract::checksum_text(contract::checksum_of({bytes}));
}

std::string fact_of(const Dataset* data) {
  if (data == nullptr) return "none";
  return fmt::format(
      "{} {}{}, checksum {}", data->size(), data->description(),
      data->class_names().empty() ? "" : fmt::format(" of {}", fmt::join(data->class_names(), ", ")),
      checksum_of_samples(*data));
}

}  // namespace

Facts facts_of(const Model& model, const TrainOptions& options) {
  const std::string file = options.carried == nullptr ? options.model.path : "/proc/self/exe";
  Facts facts = {{"program", "rnrun " RNC_VERSION},
                 {"model", fmt::format("{} for {}, graph {}, checksum {}", model.name(),
                                       model.descriptor().cpu, model.graph_hash(), checksum_of_file(file))},
                 {"--resume", options.resume ? "given" : "not given"},
                 {"--lr-find, --preview-data and --test-only",
                  options.lr_find || options.preview > 0 || options.test_only ? "given" : "not given"}};
  for (const auto& [name, value] : options.settings)
    if (!may_differ(name)) facts[flag_of(name)] = value;
  for (const auto& [name, value] : options.hyper) facts[flag_of(name)] = fmt::format("{}", value);
  for (const auto& [name, value] : options.texts) facts[flag_of(name)] = value;
  for (const auto& [name, value] : options.inputs) facts["--input " + name] = fmt::format("{}", value);
  return facts;
}

Facts facts_of(const DataSplits& data) {
  return {{"images to train on", fact_of(data.train.get())},
          {"images to test with", fact_of(data.test.get())}};
}

void compare(const Communicator& ranks, const Facts& own) {
  std::vector<Facts> all;
  for (const std::string& text : ranks.exchange(nlohmann::json(own).dump()))
    all.push_back(nlohmann::json::parse(text).get<Facts>());
  const auto value = [&](size_t rank, const std::string& name) {
    const auto found = all[rank].find(name);
    return found == all[rank].end() ? std::string("nothing") : found->second;
  };
  for (size_t rank = 1; rank < all.size(); ++rank) {
    Facts either = all[0];
    either.insert(all[rank].begin(), all[rank].end());
    for (const auto& [name, ignored] : either)
      if (value(0, name) != value(rank, name))
        throw Error(fmt::format("the ranks differ in {}: rank 0 has {}, rank {} has {}", name, value(0, name),
                                rank, value(rank, name)));
  }
}

void share_start(const Communicator& ranks, Session& session, Checkpoint& start) {
  if (ranks.size() == 1) return;
  std::string bytes;
  if (ranks.is_first()) bytes = safetensors_bytes(checkpoint_file(session, start));
  ranks.broadcast(bytes);
  if (ranks.is_first()) return;
  const std::string source = "the start that rank 0 has sent";
  start = take_checkpoint(parse_safetensors(std::as_bytes(std::span(bytes)), source), source, session);
  for (const auto& [name, value] : start.settings.hyper) session.set_scalar(name, value);
  for (const auto& [name, values] : start.settings.shared_inputs) session.set_shared_input(name, values);
}

}  // namespace rnrun
