// rnrun export: the weights of a model as a file for other programs.
#include <fmt/format.h>

#include <memory>

#include "runtime/commands/commands.h"
#include "runtime/contract/safetensors.h"
#include "runtime/support/error.h"
#include "runtime/support/npz.h"
#include "runtime/support/output.h"
#include "runtime/support/safetensors.h"

namespace rnrun {

namespace {

constexpr std::string_view kNpz = ".npz", kSafetensors = ".safetensors";

struct ExportOptions {
  ModelFlags model;
  WeightsFlags weights;
  std::string out;
  std::string dtype = "f32";
  int threads = default_threads();
};

// Real numbers in another type; all else as it is.
void convert(Arrays& arrays, DType dtype) {
  for (auto& [name, array] : arrays) {
    if (array.dtype != DType::f32) continue;
    try {
      const auto bytes = contract::from_f32(array.as<float>(), dtype, name);
      array.data.assign(bytes.begin(), bytes.end());
    } catch (const contract::FormatError& error) {
      throw Error(fmt::format("{}: --dtype bf16 or f32 has room for it", error.what()));
    }
    array.dtype = dtype;
  }
}

int export_weights(const ExportOptions& options) {
  const bool npz = options.out.ends_with(kNpz);
  if (!npz && !options.out.ends_with(kSafetensors))
    throw UsageError(fmt::format("--output {}: must end in {} or {}, which says what is written", options.out,
                                 kSafetensors, kNpz));
  const DType dtype = *contract::find_dtype(options.dtype);
  if (npz && contract::numpy_name(dtype).empty())
    throw UsageError(fmt::format("--dtype {}: NumPy has no such type; f16, f32 or a {} file will do",
                                 options.dtype, kSafetensors));
  const auto model = load_model(options.model);
  ThreadPool pool(options.threads);
  Session session(model, pool);
  if (options.weights.partial) session.initialize(0);  // what the file has not
  load_weights(options.weights, session);
  Arrays arrays = session.tensors({RN_PARAMETER, RN_BUFFER});
  if (arrays.empty())
    throw Error(
        fmt::format("the model {} has no weights to export: they are part of its code", model->name()));
  convert(arrays, dtype);
  const size_t count = arrays.size();
  int64_t bytes = 0;
  for (const auto& [name, array] : arrays) bytes += static_cast<int64_t>(array.data.size());
  if (npz)
    write_npz(options.out, arrays);
  else
    write_safetensors(options.out, {{{"format", "pt"}}, std::move(arrays)});
  print("{}: {} tensors, {}, in {}\n", options.out, count, bytes_text(bytes), options.dtype);
  return 0;
}

}  // namespace

Command add_export(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command =
      app.add_subcommand("export", "Write the weights of a model, with PyTorch's names, for other programs");
  add_model_options(*command, options->model);
  add_weights_options(*command, options->weights);
  command->add_option("-o,--output", options->out, "a .safetensors or .npz file")->required();
  command->add_option("--dtype", options->dtype, "of the numbers in it")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}))
      ->capture_default_str();
  add_threads_option(*command, options->threads);
  return {command, [options] { return export_weights(*options); }};
}

}  // namespace rnrun
