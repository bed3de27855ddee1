#include "runtime/task/classification/confusion.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnrun {

namespace {

// Of the images of a class, those predicted right.
double accuracy(const Predictions& p, int64_t label) {
  return static_cast<double>(p.count(label, label)) / static_cast<double>(p.total(label));
}

}  // namespace

std::string confusion_text(const Predictions& p, const std::vector<std::string>& names) {
  size_t width = 5;
  for (const std::string& name : names) width = std::max(width, name.size());
  int64_t largest = p.classes() - 1;
  for (int64_t label = 0; label < p.classes(); ++label) largest = std::max(largest, p.total(label));
  const size_t cell = fmt::formatted_size("{}", largest);

  std::string text = fmt::format("\n      {:<{}}  images  accuracy    taken for\n      {:{}}", "class", width,
                                 "", width + 18);
  for (int64_t k = 0; k < p.classes(); ++k) text += fmt::format("  {:>{}}", k, cell);
  text += "\n";
  for (int64_t label = 0; label < p.classes(); ++label) {
    text += fmt::format("{:>4}  {:<{}}  {:>6}  ", label, names[static_cast<size_t>(label)], width,
                        p.total(label));
    text +=
        p.total(label) > 0 ? fmt::format("{:>6.2f} %", 100 * accuracy(p, label)) : fmt::format("{:>8}", "-");
    for (int64_t k = 0; k < p.classes(); ++k) text += fmt::format("  {:>{}}", p.count(label, k), cell);
    text += "\n";
  }
  return text;
}

nlohmann::ordered_json confusion_json(const Predictions& p, const std::vector<std::string>& names) {
  using nlohmann::ordered_json;
  ordered_json classes = ordered_json::array();
  ordered_json confusion = ordered_json::array();
  for (int64_t label = 0; label < p.classes(); ++label) {
    ordered_json row = ordered_json::array();
    for (int64_t k = 0; k < p.classes(); ++k) row.push_back(p.count(label, k));
    confusion.push_back(row);
    classes.push_back({{"class", names[static_cast<size_t>(label)]}, {"images", p.total(label)}});
    classes.back()["accuracy"] =
        p.total(label) > 0 ? ordered_json(accuracy(p, label)) : ordered_json(nullptr);
  }
  return {{"classes", classes}, {"confusion", confusion}};
}

}  // namespace rnrun
