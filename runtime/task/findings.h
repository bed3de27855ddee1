// What an evaluation finds out sample by sample, and what a model says of one sample.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "runtime/data/loader.h"
#include "runtime/model/bound_entry.h"

namespace rnrun {

// Where the network looks in one picture.
struct Look {
  std::string prediction;  // what it can be asked about: one number of this output
  // In the picture of these bytes, for the number of this place: a picture of it, as a data: URI.
  std::function<std::string(std::span<const uint8_t> pixels, int64_t place)> at;
};

class Findings {
 public:
  virtual ~Findings() = default;
  // The batch that `entry` has run: the samples at `indices` of the data set.
  virtual void add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) = 0;
  // After the last batch: adds to pictures to be shown where the network looked.
  virtual void explain(const Look&) {}
  // For the report's page, after an epoch.
  virtual nlohmann::ordered_json report(int64_t epoch) const = 0;
  // For `rnrun eval`: tables that end in a newline, and what JSON has besides the metrics.
  virtual std::string text(const std::vector<std::string>& class_names) const = 0;
  virtual nlohmann::ordered_json json(const std::vector<std::string>& class_names) const = 0;
};

// What a model says of one sample.
struct Answer {
  std::string text;  // lines
  nlohmann::ordered_json json;
};
// "0", "1", ...: the names of classes that have none.
std::vector<std::string> numbers_of(int64_t classes);

struct AnswerOptions {
  std::vector<std::string> class_names;
  size_t top = 5;  // of several possible answers, the likeliest
};

}  // namespace rnrun
