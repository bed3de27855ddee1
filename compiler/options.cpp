#include "compiler/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>

#include "compiler/c_names.h"

namespace rnc {
namespace {

struct EmitKind {
  std::string_view name;       // of --emit
  std::string_view extension;  // of -o that means it, and of the default name of a binary output
  Emit emit;
  bool text;  // goes to standard output where -o is not given
};

constexpr std::array<EmitKind, 15> kEmitKinds = {{
    {"graph", ".graph", Emit::graph, true},
    {"weights", ".safetensors", Emit::weights, false},
    {"onnx", ".onnx", Emit::onnx, false},
    {"header", ".h", Emit::header, true},
    {"dot", ".dot", Emit::dot, true},
    {"summary", ".txt", Emit::summary, true},
    {"loops", ".loops", Emit::loops, true},
    {"memory", "", Emit::memory, true},
    {"llvm", ".ll", Emit::llvm, true},
    {"asm", ".s", Emit::assembly, true},
    {"obj", ".o", Emit::object, false},
    {"static", ".o", Emit::static_object, false},
    {"c-header", ".h", Emit::static_header, true},
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
  if (extension == ".obj") return kind_of_name("obj");  // as Windows has it
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

// The file that takes an .onnx file's weights is called after it.
void name_data_file(Options& options) {
  onnx::ExportOptions& to_onnx = options.request.to_onnx;
  if (options.output != "-")
    to_onnx.data_file = fmt::format("{}.data", std::filesystem::path(options.output).filename().string());
  if (to_onnx.external_data && to_onnx.data_file.empty())
    throw UsageError{
        "--external-data: the file for the weights is called after the output, which has no name"};
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

// The options that say what to make and how, and what becomes of them.
class RequestOptions {
 public:
  explicit RequestOptions(CLI::App& app, Request& request);
  // After parsing. Throws UsageError.
  void finish();
  const std::string& emit() const { return emit_; }
  // Once the request says what is emitted. Throws UsageError.
  void check_emit() const;

 private:
  void add_model(CLI::App& app);
  void add_import(CLI::App& app);
  void add_export(CLI::App& app);
  void add_target(CLI::App& app);

  Request& request_;
  std::string emit_, passes_;
  std::vector<std::string> set_;
  std::vector<CLI::Option*> of_export_;
  CLI::Option* passes_option_;
};

RequestOptions::RequestOptions(CLI::App& app, Request& request) : request_(request) {
  request.to_onnx.producer_version = RNC_VERSION;
  add_model(app);
  add_import(app);
  add_export(app);
  add_target(app);
  passes_option_ = app.add_option(
      "--passes", passes_, "Run these passes, by comma, instead of the default ones; --passes= runs none");
}

void RequestOptions::add_model(CLI::App& app) {
  app.add_option("--emit", emit_, fmt::format("What to write: {}", emit_names()));
  app.add_option(
         "--set", set_,
         "NAME=VALUE: gives a constant of the spec another value; of an .onnx file, a dimension of that "
         "name its size")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("-I,--include", request_.include_paths,
                 "Directory to look for included files in, behind that of the file which includes them")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("--optimizer", request_.optimizer,
                 "Train with this one instead, as the spec writes it: 'sgd(momentum = 0.9)'");
  app.add_option("--freeze", request_.freeze,
                 "Do not train these parameters: a name or a layer's, with * for any characters")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  app.add_flag("--explain{}", request_.explain,
               "[=LAYER]: an entry that gives the result of the layer, or of the last one of the block, and "
               "the gradient "
               "of the prediction to it, for rnrun explain; without LAYER, of the last one before the "
               "pooling at the end");
  app.add_option("--memory-budget", request_.memory_budget,
                 "Compute results again in the backward pass until the peak of a training step at the "
                 "recipe's batch is within these bytes (K, M, G: powers of 1024)")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::PositiveNumber);
  app.add_option("--weights", request_.weights,
                 "Put these weights (a checkpoint or state_dict, safetensors) into the library, or the .onnx "
                 "file, which then holds inference only");
}

void RequestOptions::add_import(CLI::App& app) {
  app.add_option("--loss", request_.loss,
                 "Train an .onnx file, which has no loss, with this one: cross_entropy, of its first output");
  app.add_option(
         "--head", request_.heads,
         "NAME=OUTPUTS: gives the last linear layer of an .onnx file, which is called so, as many outputs, "
         "and new initial values")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  app.add_option(
      "--image", request_.image,
      "Let an .onnx file take raw pixels, and normalise them: 'u8, mean=0.485 0.456 0.406, std=0.229 "
      "0.224 0.225'; layout=nhwc: the file itself takes [N, H, W, C]; scale=1: its mean and std are of "
      "pixels up to 255");
  app.add_option("--classes", request_.classes,
                 "A file with the names of an .onnx file's classes, one a line");
}

void RequestOptions::add_export(CLI::App& app) {
  of_export_ = {
      app.add_option("--opset", request_.to_onnx.opset,
                     fmt::format("Operator set of an .onnx file that is written, {} to {}; default: {}",
                                 onnx::kOldestExport, onnx::kNewestExport, onnx::kUsualExport))
          ->check(CLI::Range(onnx::kOldestExport, onnx::kNewestExport)),
      app.add_flag("--keep-batch-norm", request_.keep_batch_norm,
                   "Keep batch norm in an .onnx file; by default it is folded into convolutions"),
      app.add_flag("--float-input", request_.to_onnx.float_input,
                   "Images of an .onnx file come normalised, as f32, instead of as bytes that it normalises"),
      app.add_flag(
          "--external-data", request_.to_onnx.external_data,
          "Write the weights of an .onnx file into NAME.onnx.data beside it, as those of more than 2 GiB "
          "always are")};
}

void RequestOptions::add_target(CLI::App& app) {
  app.add_option(
         "--target-cpu", request_.target.cpu,
         "CPU to generate code for, as LLVM names it: native (default), x86-64, x86-64-v3, znver5, ...; "
         "several "
         "by comma, for a library with code for each, of which the best is taken that the machine runs")
      ->join(',');
  app.add_option("--target-features", request_.target.features,
                 "Changes to the CPU's features: +fma,-avx512f");
  app.add_option("--target-triple", request_.target.triple,
                 "Machine to generate code for. Default: this one");
  app.add_option("--conv", request_.conv,
                 "How convolutions are computed: auto (what is fastest), direct, winograd2, winograd3 or "
                 "winograd4 (those that can be), or by layer and comma: 'layer1.*=direct,conv2=winograd4'");
  app.add_option("--precision", request_.precision,
                 "As what activations and their gradients are stored: f32 or bf16, or by layer and comma: "
                 "'bf16,layer4.*=f32'. Kernels compute in f32; parameters and checkpoints stay f32");
  app.add_option("--link-name", request_.link_name,
                 "In a program with several models: the descriptor in the object file is NAME_model, the "
                 "functions of its header are NAME_infer, ...");
  app.add_flag("-g", request_.debug, "Line tables: debuggers and profilers show lines of the .graph file");
}

void RequestOptions::finish() {
  if (passes_option_->count() > 0) request_.passes = passes_;
  for (const std::string& text : set_)
    request_.set.insert_or_assign(parse_setting(text).first, parse_setting(text).second);
}

void RequestOptions::check_emit() const {
  for (const CLI::Option* option : of_export_)
    if (option->count() > 0 && request_.emit != Emit::onnx)
      throw UsageError{fmt::format("{} is for writing a file in ONNX's format: -o NAME.onnx, or --emit=onnx",
                                   option->get_name())};
  if (request_.link_name.empty()) return;
  if (!is_c_identifier(request_.link_name))
    throw UsageError{fmt::format("--link-name {}: cannot be a name in C", request_.link_name)};
  const auto linked = {Emit::header, Emit::llvm,          Emit::assembly,
                       Emit::object, Emit::static_header, Emit::static_object};
  if (std::ranges::find(linked, request_.emit) == linked.end())
    throw UsageError{
        "--link-name is for object files and their headers: --emit=obj and header, or static and c-header"};
}

// Takes the arguments in order. Throws CLI::ParseError.
void parse(CLI::App& app, std::vector<std::string> arguments, Request& request) {
  // CLI11 takes what follows an empty value for the value.
  if (std::erase(arguments, "--passes=") > 0) request.passes = "";
  std::ranges::reverse(arguments);  // as CLI11 wants them
  app.parse(std::move(arguments));
}

}  // namespace

std::optional<Options> parse_options(int argc, const char* const* argv) {
  Options options;
  Request& request = options.request;
  std::string ops;
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
  RequestOptions request_options(app, request);
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
  try {
    app.name(argv[0]);
    parse(app, {argv + 1, argv + argc}, request);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) throw UsageError{error.what()};
    app.exit(error);
    return std::nullopt;
  }
  request_options.finish();
  if (ops_option->count() > 0) options.ops = ops;
  check_complete(options);
  if (options.format) {
    if (options.output.empty()) options.output = "-";
    return options;
  }
  resolve_output(options, request_options.emit());
  check_not_in_place(options);
  request_options.check_emit();
  name_data_file(options);
  return options;
}

Request parse_request(std::vector<std::string> options) {
  Request request;
  CLI::App app;
  app.set_help_flag();  // none: it would print
  RequestOptions request_options(app, request);
  try {
    parse(app, std::move(options), request);
  } catch (const CLI::ParseError& error) {
    throw UsageError{error.what()};
  }
  request_options.finish();
  request.emit = kind_of_name(request_options.emit().empty() ? "so" : request_options.emit()).emit;
  request_options.check_emit();
  return request;
}

}  // namespace rnc
