#include "tests/support/narrow_samples.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <utility>

#include "ir/graph/diagnostics.h"
#include "ir/text/text.h"

namespace rnc::test {
namespace {

namespace fs = std::filesystem;

// Channels per group differ from vectors' lanes, as numbers of channels do.
const std::pair<const char*, const char*> kRules[] = {
    {R"(depth = \d+)", "depth = 8"},
    {R"(depths = \[[^\]]*\])", "depths = [2, 1, 1, 1]"},
    {R"(count = [2-6])", "count = 1"},
    {R"((group_norm\([a-z.0-9]+, )groups = 32)", "$1groups = 4"},
    {R"(groups = 32)", "groups = 8"},
    {R"(kernel = 4)", "kernel = 2"},
    {R"(\b16\b)", "6"},
    {R"(\b32\b)", "8"},
    {R"(\b64\b)", "12"},
    {R"(\b128\b)", "20"},
    {R"(\b256\b)", "28"},
    {R"(\b512\b)", "36"},
    {R"(\b(224|96)\b)", "64"},
};

// Whether it is made of the stages that the rules are for. Other networks take longer; their operations are in golden and
// random networks.
bool is_narrowed(const fs::path& sample) {
  const std::string text = read_source(sample)->text;
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  return !has("\nmodel ") || (has("\ninclude ") && !has("\ninclude \"mobile.graph"));
}

void write_narrow(const fs::path& sample, const fs::path& narrow) {
  std::string text = read_source(sample)->text;
  for (const auto& [pattern, replacement] : kRules)
    text = std::regex_replace(text, std::regex(pattern), replacement);
  std::ofstream(narrow) << text;
}

// What of a module makes it another network.
std::string network_of(Module module) {
  module.name.clear();
  module.recipe.clear();
  return print(module, {.locations = false});
}

}  // namespace

std::vector<Module> narrow_samples() {
  std::string pattern = (fs::temp_directory_path() / "rnc-test-XXXXXX").string();
  check(mkdtemp(pattern.data()) != nullptr, "no temporary directory");
  const fs::path directory = pattern;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(RNC_SOURCE_DIR) / "samples")) {
    if (entry.path().extension() != ".graph" || !is_narrowed(entry.path())) continue;
    files.push_back(directory / entry.path().filename());
    write_narrow(entry.path(), files.back());
  }
  std::ranges::sort(files);

  std::vector<Module> modules;
  std::set<std::string> known;
  for (const fs::path& file : files) {
    const auto source = read_source(file);
    if (source->text.find("\nmodel ") == std::string::npos) continue;  // what the others include
    Module module = parse(source);
    if (known.insert(network_of(module)).second) modules.push_back(std::move(module));
  }
  fs::remove_all(directory);
  return modules;
}

}  // namespace rnc::test
