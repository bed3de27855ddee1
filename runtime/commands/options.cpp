#include <fmt/format.h>

#include <algorithm>

#include "runtime/checkpoint.h"
#include "runtime/commands/commands.h"
#include "runtime/contract/safetensors.h"
#include "runtime/error.h"
#include "runtime/output.h"
#include "runtime/thread_pool.h"
#include "runtime/weights.h"

namespace rnrun {

void add_threads_option(CLI::App& app, int& threads) {
  app.add_option("-j,--threads", threads,
                 "threads; by default OMP_NUM_THREADS or the CPUs this process may use")
      ->check(CLI::Range(1, kMaxThreads));
}

CLI::Option* add_weights_options(CLI::App& app, WeightsFlags& flags) {
  CLI::Option* weights = app.add_option("--weights,--params", flags.path,
                                        "a checkpoint, or a state_dict of PyTorch as safetensors");
  app.add_flag("--partial", flags.partial, "load what fits of the weights, and count it")->needs(weights);
  return weights;
}

void print_conversions(const std::string& path, const WeightsMatch& match) {
  if (!match.converted.empty())
    print_message(fmt::format("rnrun: note: {}: {}", path, contract::conversions_text(match.converted)));
}

std::vector<std::string> load_weights(const WeightsFlags& flags, Session& session) {
  const Model& model = session.model();
  if (!flags.path.empty()) {
    WeightsMatch match = load_weights(flags.path, session, {.partial = flags.partial});
    if (flags.partial) print_message(weights_text(flags.path, match));
    print_conversions(flags.path, match);
    const bool all = match.missing.empty() && match.misshapen.empty();
    return all ? std::move(match.classes) : std::vector<std::string>();
  }
  const bool empty =
      std::ranges::any_of(model.tensors(), [](const rn_tensor& t) { return t.kind == RN_PARAMETER; });
  if (empty)
    throw UsageError(fmt::format("the model {} has no weights of its own: pass --weights", model.name()));
  return {};
}

void add_data_flags(CLI::App& app, DataFlags& flags) {
  app.add_flag("--skip-corrupt", flags.skip_corrupt,
               "leave out image files that cannot be decoded; decodes all of them once at the beginning");
  app.add_option("--workers", flags.workers, "threads that read images; by default half as many as --threads")
      ->check(CLI::Range(1, kMaxThreads));
}

DataOptions data_options(const Model& model, const Classifier& classifier, const DataFlags& flags,
                         const std::vector<std::string>& classes) {
  DataOptions options{.shape = classifier.shape,
                      .classes = classifier.labels,
                      .class_names = model_class_names(model),
                      .skip_corrupt = flags.skip_corrupt};
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
