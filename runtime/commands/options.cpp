#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "runtime/commands/commands.h"
#include "runtime/contract/safetensors.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"
#include "runtime/support/thread_pool.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/weights.h"

namespace rnrun {

void add_threads_option(CLI::App& app, int& threads) {
  app.add_option("-j,--threads", threads,
                 "threads; by default OMP_NUM_THREADS or the CPUs this process may use")
      ->check(CLI::Range(1, kMaxThreads));
}

CLI::Option* add_weights_options(CLI::App& app, WeightsFlags& flags, Positional positional) {
  const std::string names =
      positional == Positional::yes ? "weights,--weights,--params" : "--weights,--params";
  CLI::Option* weights = app.add_option(
      names, flags.path,
      "a checkpoint or the directory of a training; or a state_dict of PyTorch as safetensors, "
      "in one file or several (*.index.json), or as torch.save writes it");
  app.add_flag("--partial", flags.partial, "load what fits of the weights, and count it")->needs(weights);
  return weights;
}

void print_notes(const std::string& path, const WeightsMatch& match) {
  for (const std::string& note : match.notes) print_message(fmt::format("rnrun: note: {}: {}", path, note));
  if (!match.converted.empty())
    print_message(fmt::format("rnrun: note: {}: {}", path, contract::conversions_text(match.converted)));
}

std::vector<std::string> load_weights(const WeightsFlags& flags, Session& session) {
  const Model& model = session.model();
  if (!flags.path.empty()) {
    WeightsMatch match = load_weights(flags.path, session, {.partial = flags.partial, .inputs = true});
    if (flags.partial) print_message(weights_text(flags.path, match));
    print_notes(flags.path, match);
    const bool all = match.missing.empty() && match.misshapen.empty();
    return all ? std::move(match.classes) : std::vector<std::string>();
  }
  const bool empty =
      std::ranges::any_of(model.tensors(), [](const rn_tensor& t) { return t.kind == RN_PARAMETER; });
  if (empty)
    throw UsageError(fmt::format("the model {} has no weights of its own: pass --weights", model.name()));
  return {};
}

void add_input_option(CLI::App& app, ScalarInputs& inputs) {
  const auto add = [&inputs](const std::vector<std::string>& given) {
    for (const std::string& text : given) {
      const size_t equals = text.find('=');
      double value = 0;
      const char* end = text.data() + text.size();
      const auto [parsed, error] =
          std::from_chars(text.data() + std::min(equals + 1, text.size()), end, value);
      if (equals == std::string::npos || equals == 0 || error != std::errc() || parsed != end)
        throw UsageError(fmt::format("--input: must be NAME=NUMBER, not {}", text));
      inputs[text.substr(0, equals)] = value;
    }
  };
  app.add_option_function<std::vector<std::string>>("--input", add,
                                                    "NAME=NUMBER: the value of a scalar input of the model")
      ->expected(1)
      ->take_all();
}

void check_inputs(const Model& model, const rn_entry& entry, const ScalarInputs& inputs) {
  std::vector<std::string_view> known;
  for (const rn_value& v : rnrun::inputs(entry))
    if (v.type.rank == 0) known.emplace_back(v.name);
  for (const auto& [name, value] : inputs)
    if (std::ranges::find(known, name) == known.end())
      throw UsageError(fmt::format("--input {}: entry '{}' of the model {} has no such scalar input{}", name,
                                   entry.name, model.name(),
                                   known.empty() ? "" : fmt::format("; it has {}", fmt::join(known, ", "))));
}

void set_inputs(Session& session, const rn_entry& entry, const ScalarInputs& inputs) {
  const Model& model = session.model();
  check_inputs(model, entry, inputs);
  for (const auto& [name, value] : inputs) session.set_scalar(name, value);
  for (const rn_value& v : rnrun::inputs(entry))
    if (v.type.rank == 0 && !is_set_by_training(v) && std::isnan(session.scalar(v)))
      throw UsageError(missing_input(model, v.name));
}

std::string missing_input(const Model& model, std::string_view input) {
  return fmt::format(
      "the model {0} has no value for its input {1}: pass --input {1}=NUMBER, or give it a default "
      "where the model declares it, {1}: f32[] = NUMBER",
      model.name(), input);
}

void add_data_flags(CLI::App& app, DataFlags& flags) {
  app.add_flag("--skip-corrupt", flags.skip_corrupt,
               "leave out image files that cannot be decoded; decodes all of them once at the beginning");
  app.add_option("--workers", flags.workers, "threads that read images; by default half as many as --threads")
      ->check(CLI::Range(1, kMaxThreads));
}

DataOptions data_options(const Model& model, const Task& task, const DataFlags& flags,
                         const std::vector<std::string>& classes) {
  DataOptions options{
      .fields = task.fields(), .class_names = model_class_names(model), .skip_corrupt = flags.skip_corrupt};
  if (!classes.empty()) {
    options.class_names = classes;
    options.named_by = "the checkpoint";
    options.names_fixed = true;
  }
  return options;
}

void print_other_names(const Dataset& data, const Model& model, const std::vector<std::string>& classes) {
  const std::vector<std::string> names = data.class_names(), own = model_class_names(model);
  if (classes.empty() && !names.empty() && !own.empty() && names != own)
    print_message(
        "the folders are not called like the model's classes: labels count them in the order of their names");
}

void print_left_out(const Dataset& data) {
  constexpr size_t kShown = 20;
  const std::vector<std::string> all = data.left_out();
  for (size_t i = 0; i < std::min(all.size(), kShown); ++i) print("left out: {}\n", all[i]);
  if (all.size() > kShown) print("left out: {} more\n", all.size() - kShown);
}

CLI::Option* add_batch_option(CLI::App& app, int64_t& batch, const std::string& help) {
  return app.add_option("-b,--batch-size", batch, help)->check(CLI::Range(int64_t{1}, kMaxBatch));
}

}  // namespace rnrun
