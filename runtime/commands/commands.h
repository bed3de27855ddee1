// rnrun's commands. Each adds its subcommand and options to the command line; its action runs when it was
// chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "runtime/model.h"

namespace rnrun {

// Runs a command, returns the exit status. Throws Error.
using Action = std::function<int()>;

// Adds a command to `app`; `action` is called when it was chosen on the command line.
struct Command {
  CLI::App* app = nullptr;
  Action action;
};

Command add_call(CLI::App& app);
Command add_info(CLI::App& app);

// -j/--threads with its default and range.
void add_threads_option(CLI::App& app, int& threads);

}  // namespace rnrun
