#include "compiler/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>

namespace rnc {
namespace {

struct EmitKind {
  std::string_view name;       // of --emit
  std::string_view extension;  // of -o that means it, and of the default name of a binary output
  Emit emit;
  bool text;  // goes to standard output where -o is not given
};

constexpr std::array<EmitKind, 12> kEmitKinds = {{
    {"graph", ".graph", Emit::graph, true},
    {"weights", ".safetensors", Emit::weights, false},
    {"onnx", ".onnx", Emit::onnx, false},
    {"dot", ".dot", Emit::dot, true},
    {"summary", ".txt", Emit::summary, true},
    {"loops", ".loops", Emit::loops, true},
    {"memory", "", Emit::memory, true},
    {"llvm", ".ll", Emit::llvm, true},
    {"asm", ".s", Emit::assembly, true},
    {"obj", ".o", Emit::object, false},
    {"so", ".so", Emit::shared, false},
    {"trainer", "", Emit::trainer, false},
}};

std::string emit_names() {
  std::string names;
  for (const EmitKind& kind : kEmitKinds) names += fmt::format("{}{}", names.empty() ? "" : ", ", kind.name);
  return names;
}

const EmitKind& kind_of_name(const std::string& name) {
  for (const EmitKind& kind : kEmitKinds) {
    if (kind.name == name) return kind;
  }
  throw UsageError{fmt::format("--emit={}: not one of {}", name, emit_names())};
}

const EmitKind& kind_of_file(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const EmitKind& kind : kEmitKinds) {
    if (!extension.empty() && kind.extension == extension) return kind;
  }
  throw UsageError{
      fmt::format("cannot tell from the name {} what to write: give --emit, one of {}", path, emit_names())};
}

std::pair<std::string, std::string> parse_setting(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw UsageError{fmt::format("--set {}: must be NAME=VALUE", text)};
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// Fills in what follows from --emit, -o and the input's name.
void resolve_output(Options& options, const std::string& emit) {
  const EmitKind& kind = !emit.empty()             ? kind_of_name(emit)
                         : !options.output.empty() ? kind_of_file(options.output)
                                                   : kind_of_name("so");
  options.request.emit = kind.emit;
  if (!options.output.empty()) return;
  if (options.input == "-" && !kind.text) throw UsageError{"-o is missing: standard input has no name"};
  const std::string stem = std::filesystem::path(options.input).stem().string();
  options.output = kind.text ? "-" : fmt::format("{}{}", stem, kind.extension);
}

void check_complete(const Options& options) {
  if (options.list_passes || options.ops) return;
  if (options.input.empty()) throw UsageError{"no input file; try rnc --help"};
}

void check_not_in_place(const Options& options) {
  std::error_code ignored;
  if (options.output != "-" && std::filesystem::equivalent(options.input, options.output, ignored))
    throw UsageError{fmt::format("the output {} is the input", options.output)};
}

}  // namespace

std::optional<Options> parse_options(int argc, const char* const* argv) {
  Options options;
  Request& request = options.request;
  std::string emit, passes, ops;
  std::vector<std::string> set;
  CLI::App app(
      "rnc: compiles a description of a convolutional network into a library that trains and runs it.");
  app.set_version_flag("--version", "rnc " RNC_VERSION);
  // Options of several values take one each time: what follows may be the input.
  app.add_option(
      "input", options.input,
      "The model: a .graph file, a spec or a dump; a .loops file; or an .onnx file; -: standard input, "
      "but for .onnx");
  app.add_option("-o,--output", options.output,
                 "File to write; its extension tells the kind. Default: INPUT's name with .so, here");
  app.add_option("--emit", emit, fmt::format("What to write: {}", emit_names()));
  app.add_option(
         "--set", set,
         "NAME=VALUE: gives a constant of the spec another value; of an .onnx file, a dimension of that "
         "name its size")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("-I,--include", request.include_paths,
                 "Directory to look for included files in, behind that of the file which includes them")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("--optimizer", request.optimizer,
                 "Train with this one instead, as the spec writes it: 'sgd(momentum = 0.9)'");
  app.add_option("--loss", request.loss,
                 "Train an .onnx file, which has no loss, with this one: cross_entropy, of its first output");
  app.add_option(
         "--head", request.heads,
         "NAME=OUTPUTS: gives the last linear layer of an .onnx file, which is called so, as many outputs, "
         "and new initial values")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  app.add_option(
      "--image", request.image,
      "Let an .onnx file take raw pixels, and normalise them: 'u8, mean=0.485 0.456 0.406, std=0.229 "
      "0.224 0.225'; layout=nhwc: the file itself takes [N, H, W, C]; scale=1: its mean and std are of "
      "pixels up to 255");
  app.add_option("--classes", request.classes,
                 "A file with the names of an .onnx file's classes, one a line");
  app.add_option("--freeze", request.freeze,
                 "Do not train these parameters: a name or a layer's, with * for any characters")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  app.add_flag("--explain{}", request.explain,
               "[=LAYER]: an entry that gives the result of the layer, or of the last one of the block, and "
               "the gradient "
               "of the prediction to it, for rnrun explain; without LAYER, of the last one before the "
               "pooling at the end");
  app.add_option("--memory-budget", request.memory_budget,
                 "Compute results again in the backward pass until the peak of a training step at the "
                 "recipe's batch is within these bytes (K, M, G: powers of 1024)")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::PositiveNumber);
  app.add_option("--weights", request.weights,
                 "Put these weights (a checkpoint or state_dict, safetensors) into the library, or the .onnx "
                 "file, which then holds inference only");
  std::vector<CLI::Option*> of_onnx = {
      app.add_option("--opset", request.to_onnx.opset,
                     fmt::format("Operator set of an .onnx file that is written, {} to {}; default: {}",
                                 onnx::kOldestExport, onnx::kNewestExport, onnx::kUsualExport))
          ->check(CLI::Range(onnx::kOldestExport, onnx::kNewestExport)),
      app.add_flag("--keep-batch-norm", request.keep_batch_norm,
                   "Keep batch norm in an .onnx file; by default it is folded into convolutions"),
      app.add_flag(
          "--float-input", request.to_onnx.float_input,
          "Images of an .onnx file come normalised, as f32, instead of as bytes that it normalises")};
  app.add_option(
      "--target-cpu", request.target.cpu,
      "CPU to generate code for, as LLVM names it: native (default), x86-64, x86-64-v3, znver5, ...");
  app.add_option("--target-features", request.target.features,
                 "Changes to the CPU's features: +fma,-avx512f");
  app.add_option("--target-triple", request.target.triple, "Machine to generate code for. Default: this one");
  app.add_option("--conv", request.conv,
                 "How convolutions are computed: auto (what is fastest), direct, winograd2, winograd3 or "
                 "winograd4 (those that can be), or by layer and comma: 'layer1.*=direct,conv2=winograd4'");
  app.add_flag("-g", request.debug, "Line tables: debuggers and profilers show lines of the .graph file");
  CLI::Option* passes_option = app.add_option(
      "--passes", passes, "Run these passes, by comma, instead of the default ones; --passes= runs none");
  app.add_option("--print-after", request.dumps.print_after,
                 "Print the graph after these passes, by comma, or all")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--dump-dir", request.dumps.dump_dir, "Directory for the graph after each pass");
  app.add_flag("--time-passes", options.time_passes, "Print the time that each stage took");
  app.add_flag("--remarks", options.remarks,
               "Print what passes decided, such as a convolution's algorithm, and why");
  app.add_flag("--stats", options.stats, "Print what each pass did, and which kernels spill vectors");
  app.add_flag("--list-passes", options.list_passes, "Print the default passes in order");
  CLI::Option* format_option = app.add_flag("--format", options.format,
                                            "Write the spec in its canonical form, to -o or standard output");
  app.add_flag("--check", options.check, "Only say whether it is in that form: exit status 1 if not")
      ->needs(format_option);
  CLI::Option* ops_option =
      app.add_option("--ops", ops, "Print what this operation takes and computes; without a name, list all")
          ->expected(0, 1);
  // CLI11 takes what follows an empty value for the value.
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (std::erase(arguments, "--passes=") > 0) request.passes = "";
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    app.name(argv[0])->parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) throw UsageError{error.what()};
    app.exit(error);
    return std::nullopt;
  }
  if (passes_option->count() > 0) request.passes = passes;
  if (ops_option->count() > 0) options.ops = ops;
  for (const std::string& text : set)
    request.set.insert_or_assign(parse_setting(text).first, parse_setting(text).second);
  check_complete(options);
  if (options.format) {
    if (options.output.empty()) options.output = "-";
    return options;
  }
  resolve_output(options, emit);
  check_not_in_place(options);
  request.to_onnx.producer_version = RNC_VERSION;
  for (const CLI::Option* option : of_onnx)
    if (option->count() > 0 && request.emit != Emit::onnx)
      throw UsageError{fmt::format("{} is for writing a file in ONNX's format: -o NAME.onnx, or --emit=onnx",
                                   option->get_name())};
  return options;
}

}  // namespace rnc
