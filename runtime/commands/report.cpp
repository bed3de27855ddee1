// rnrun report: the report of one or more runs as one page.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <vector>

#include "runtime/commands/commands.h"
#include "runtime/report/page.h"
#include "runtime/report/run_data.h"
#include "runtime/support/file.h"
#include "runtime/support/output.h"

namespace rnrun {

namespace {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string out;
};

int report(const ReportOptions& options) {
  std::vector<nlohmann::ordered_json> runs;
  std::vector<std::string> names;
  for (const std::string& directory : options.runs) {
    runs.push_back(read_run(directory));
    names.push_back(runs.back()["name"].get<std::string>());
  }
  const std::string out = options.out.empty() ? options.runs.front() + "/report.html" : options.out;
  replace_file(out, report_page(runs, fmt::format("{}", fmt::join(names, " and "))));
  print("{}\n", out);
  return 0;
}

}  // namespace

Command add_report(CLI::App& app) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand("report", "Show one training, or several compared, as a web page");
  command->add_option("runs", options->runs, "directories of trainings (train --output-dir)")->required();
  command->add_option("-o,--output", options->out, "the page; by default report.html in the first directory");
  return {command, [options] { return report(*options); }};
}

}  // namespace rnrun
