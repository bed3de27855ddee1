// rnrun: trains, evaluates, calls and measures models compiled by rnc. An executable that carries a model at
// its end (rnc --emit=trainer) is that model's trainer.
#include <fmt/format.h>

#include <cstdio>
#include <new>
#include <vector>

#include "runtime/commands/commands.h"
#include "runtime/support/error.h"
#include "runtime/support/output.h"

namespace {

using namespace rnrun;

// False when all is done already: --help, --version.
bool parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) throw UsageError(error.what());
    app.exit(error);
    return false;
  }
}

int run_trainer(std::shared_ptr<const Model> model, int argc, char** argv) {
  CLI::App app(fmt::format("Trains the model {}", model->name()));
  app.set_version_flag("--version", "rnrun " RNC_VERSION);
  const Action action = make_trainer(app, std::move(model));
  return parse(app, argc, argv) ? action() : 0;
}

int run(int argc, char** argv) {
  if (auto model = Model::load_carried()) return run_trainer(std::move(model), argc, argv);
  CLI::App app("rnrun: trains, evaluates and measures models compiled by rnc");
  app.set_version_flag("--version", "rnrun " RNC_VERSION);
  app.require_subcommand(0, 1);
  const std::vector<Command> commands = {add_train(app),  add_eval(app),  add_predict(app), add_explain(app),
                                         add_report(app), add_runs(app),  add_info(app),    add_call(app),
                                         add_bench(app),  add_export(app)};
  if (!parse(app, argc, argv)) return 0;
  for (const Command& command : commands)
    if (command.app->parsed()) return command.action();
  throw UsageError(
      "a command is required: train, eval, predict, explain, report, runs, info, call, bench or export; "
      "--help tells "
      "more");
}

}  // namespace

int main(int argc, char** argv) {
  rnrun::keep_standard_streams();
  try {
    const int status = run(argc, argv);
    if (status == 0) rnrun::finish_output();
    return status;
  } catch (const rnrun::Error& error) {
    rnrun::print_message(fmt::format("rnrun: error: {}", error.what()));
    return error.status();
  } catch (const std::bad_alloc&) {
    rnrun::print_message("rnrun: error: out of memory");
    return 1;
  }
}
