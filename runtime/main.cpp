// rnrun: trains, evaluates, calls and measures models compiled by rnc.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "runtime/commands/commands.h"
#include "runtime/error.h"

namespace {

int run(int argc, char** argv) {
  using namespace rnrun;
  CLI::App app("rnrun: trains, evaluates and measures models compiled by rnc");
  app.set_version_flag("--version", "rnrun " RNC_VERSION);
  app.require_subcommand(1);
  const std::vector<Command> commands = {add_call(app), add_info(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    throw UsageError(error.what());
  }
  for (const Command& command : commands)
    if (command.app->parsed()) return command.action();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const rnrun::Error& error) {
    fmt::print(stderr, "rnrun: error: {}\n", error.what());
    return error.status();
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "rnrun: error: out of memory\n");
    return 1;
  }
}
