// What an evaluation of a model with several heads, or none, finds out: that of each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/task/findings.h"

namespace rnrun {

class HeadFindings : public Findings {
 public:
  struct Named {
    std::string name;
    std::unique_ptr<Findings> findings;
    int64_t classes = 0;
  };
  explicit HeadFindings(std::vector<Named> heads) : heads_(std::move(heads)) {}
  void add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) override;
  // {"heads": {name: what the head's findings have, and "class_names"}}; null without heads.
  nlohmann::ordered_json report(int64_t epoch) const override;
  std::string text(const std::vector<std::string>& class_names) const override;
  nlohmann::ordered_json json(const std::vector<std::string>& class_names) const override;

 private:
  std::vector<Named> heads_;
};

}  // namespace rnrun
