#include "compiler/driver.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <new>

#include "compiler/options.h"
#include "compiler/output.h"
#include "ir/onnx/onnx.h"
#include "ir/text/format.h"
#include "ir/text/text.h"
#include "passes/report/op_page.h"

namespace rnc {
namespace {

std::shared_ptr<const SourceFile> read_input(const std::string& path) {
  return read_source(path == "-" ? "/dev/stdin" : path);
}

void compile_file(Options options) {
  Request& request = options.request;
  if (onnx::is_model_file(options.input))
    request.onnx = options.input;
  else
    request.source = read_input(options.input);
  request.tell = [](std::string_view kind, const std::string& text) {
    print_message(fmt::format("rnc: {}: {}\n", kind, text));
  };
  if (options.output == "-") request.dumps.output = stderr;
  Artifact artifact = compile(request);
  if (options.remarks) print_message(str(artifact.remarks));
  if (options.stats) print_message(stats_table({artifact.passes.begin(), artifact.passes.end() - 1}));
  if (!artifact.data.empty()) {
    const std::filesystem::path beside =
        std::filesystem::path(options.output).replace_filename(request.to_onnx.data_file);
    write_file(beside.string(), artifact.data);
    request.tell("note", fmt::format("the weights are in {}, beside {}", beside.string(), options.output));
  }
  write_file(options.output, artifact.bytes, request.emit == Emit::trainer);
  if (options.stats && !artifact.frames.empty()) print_message(frame_table(std::move(artifact.frames)));
  if (options.time_passes) print_message(time_table(artifact.passes));
}

void format_file(const Options& options) {
  const auto source = read_input(options.input);
  const std::string formatted = format(source);
  if (!options.check) return write_file(options.output, formatted);
  if (formatted != source->text)
    throw UserError({}, fmt::format("{} is not in its canonical form; rnc --format {} -o {} writes it",
                                    options.input, options.input, options.input));
}

void print_page(const std::string& op) {
  try {
    write_file("-", op.empty() ? list_ops() : op_page(op));
  } catch (const UserError& error) {
    throw UsageError{error.what()};
  }
}

}  // namespace

int run_driver(int argc, const char* const* argv) {
  try {
    const std::optional<Options> options = parse_options(argc, argv);
    if (options && options->list_passes) {
      write_file("-", list_passes());
    } else if (options && options->ops) {
      print_page(*options->ops);
    } else if (options && options->format) {
      format_file(*options);
    } else if (options) {
      compile_file(*options);
    }
    finish_output();
    return 0;
  } catch (const UsageError& error) {
    print_message(fmt::format("rnc: error: {}\n", error.message));
    return 2;
  } catch (const UserError& error) {
    print_message(error.render());
    return 1;
  } catch (const std::bad_alloc&) {
    print_message("rnc: error: out of memory\n");
    return 1;
  }
}

}  // namespace rnc
