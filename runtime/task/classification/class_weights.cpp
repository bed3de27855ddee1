#include "runtime/task/classification/class_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "runtime/data/sampler.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

namespace {

constexpr uintmax_t kLargestFile = 1 << 20;

std::vector<float> read_weights(const std::string& path, int64_t classes) {
  const auto fail = [&](const std::string& found) {
    throw Error(fmt::format(
        "--class-weights {}: must be \"balanced\" or a file with {} numbers of at least 0, one for "
        "each class: {}",
        path, classes, found));
  };
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) fail("there is no such file");
  if (std::filesystem::file_size(path, error) > kLargestFile) fail("the file is larger than 1 MiB");
  const std::string text = file_text(path);
  constexpr std::string_view kSeparators = " \t\r\n,";
  std::vector<float> weights;
  for (size_t begin = text.find_first_not_of(kSeparators); begin != std::string::npos;) {
    const size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
    float value = 0;
    const auto [read, problem] = std::from_chars(text.data() + begin, text.data() + end, value);
    if (problem != std::errc() || read != text.data() + end || !(value >= 0 && std::isfinite(value)))
      fail(fmt::format("it has '{}'", text.substr(begin, std::min<size_t>(end - begin, 40))));
    weights.push_back(value);
    begin = text.find_first_not_of(kSeparators, end);
  }
  if (static_cast<int64_t>(weights.size()) != classes) fail(fmt::format("it has {}", weights.size()));
  if (std::ranges::all_of(weights, [](float w) { return w == 0; })) fail("all are 0");
  return weights;
}

// What to write in the model.
std::string missing_input(const Model& model, const Task& task) {
  const rn_value* label = find(inputs(model.entry(RN_TRAIN_STEP)), RN_TARGET);
  return fmt::format(
      "--class-weights: the loss of the model {0} takes no weights of its {1} classes; write in the model\n"
      "  model {0}(..., class_weight: f32[{1}])\n"
      "  loss cross_entropy({2}, {3}, weight = class_weight)",
      model.name(), task.class_count(), model.descriptor().predict, label == nullptr ? "label" : label->name);
}

}  // namespace

std::vector<float> balanced_weights(const std::vector<int64_t>& counts) {
  const auto samples = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  const auto classes = static_cast<double>(std::ranges::count_if(counts, [](int64_t n) { return n > 0; }));
  std::vector<float> weights;
  for (const int64_t n : counts)
    weights.push_back(n == 0 ? 1 : static_cast<float>(samples / (classes * static_cast<double>(n))));
  return weights;
}

std::vector<float> class_weights(const std::string& choice, const Model& model, const Task& task,
                                 const Dataset& data) {
  if (task.class_weight_input().empty()) throw UsageError(missing_input(model, task));
  if (choice != "balanced") return read_weights(choice, task.class_count());
  std::vector<int64_t> counts(static_cast<size_t>(task.class_count()));
  const std::vector<Field> fields = task.fields();
  const Field& field = class_field(fields, "--class-weights balanced");
  for (const int32_t k : classes_of(data, field)) ++counts.at(static_cast<size_t>(k));
  return balanced_weights(counts);
}

}  // namespace rnrun
