#include "runtime/task/classification/class_findings.h"

#include <fmt/format.h>

#include "runtime/task/classification/confusion.h"
#include "runtime/task/thumbnail.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

constexpr int64_t kMostClasses = 30;  // whose tables are printed; JSON has them all

}  // namespace

ClassFindings::ClassFindings(HeadPlace place, size_t mistakes)
    : place_(std::move(place)),
      predictions_(place_.elements(), place_.sample ? place_.sample->picture() : ImageShape{},
                   place_.sample && place_.sample->dtype == DType::u8 ? mistakes : 0) {}

void ClassFindings::add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) {
  predictions_.add(indices, entry.output<float>(place_.prediction),
                   reinterpret_cast<const int32_t*>(batch.values[place_.target_place]),
                   reinterpret_cast<const uint8_t*>(batch.values[0]));
}

ordered_json ClassFindings::report(int64_t epoch) const {
  return evaluation_json(predictions_, epoch, maps_);
}

void ClassFindings::explain(const Look& look) {
  maps_.clear();
  if (look.prediction != place_.prediction) return;
  for (const Mistake& m : predictions_.mistakes()) maps_.push_back(look.at(m.pixels, m.predicted));
}

std::string ClassFindings::text(const std::vector<std::string>& class_names) const {
  const std::string figures =
      fmt::format("macro F1 {:.2f} %  expected calibration error {:.2f} %\n", 100 * predictions_.macro_f1(),
                  100 * predictions_.calibration().expected_error());
  return figures + (predictions_.classes() <= kMostClasses ? confusion_text(predictions_, class_names) : "");
}

ordered_json ClassFindings::json(const std::vector<std::string>& class_names) const {
  ordered_json json = {{"macro_f1", predictions_.macro_f1()},
                       {"calibration", predictions_.calibration().json()}};
  json.update(confusion_json(predictions_, class_names));
  return json;
}

ordered_json evaluation_json(const Predictions& p, int64_t epoch, std::span<const std::string> maps) {
  ordered_json confusion = ordered_json::array();
  int64_t samples = 0;
  for (int64_t label = 0; label < p.classes(); ++label)
    for (int64_t predicted = 0; predicted < p.classes(); ++predicted) {
      const int64_t count = p.count(label, predicted);
      if (count > 0) confusion.push_back({label, predicted, count});
      samples += count;
    }
  ordered_json mistakes = ordered_json::array();
  for (const Mistake& m : p.mistakes())
    mistakes.push_back({{"index", m.index},
                        {"label", m.label},
                        {"predicted", m.predicted},
                        {"confidence", m.confidence},
                        {"image", thumbnail({p.image(), m.pixels})}});
  for (size_t i = 0; i < maps.size(); ++i) mistakes[i]["map"] = maps[i];
  return {{"epoch", epoch},           {"samples", samples},
          {"macro_f1", p.macro_f1()}, {"calibration", p.calibration().json()},
          {"confusion", confusion},   {"mistakes", mistakes}};
}

}  // namespace rnrun
