// Some of the samples of a data set.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/data/dataset.h"

namespace rnrun {

class Subset : public Dataset {
 public:
  // The samples at `indices` of the whole, of which there is at least one; several may share the whole.
  Subset(std::shared_ptr<const Dataset> whole, std::vector<uint32_t> indices,
         std::vector<std::string> left_out = {})
      : whole_(std::move(whole)), indices_(std::move(indices)), left_out_(std::move(left_out)) {}

  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  int64_t whole_size() const override { return whole_->whole_size(); }
  std::string description() const override { return whole_->description(); }
  std::vector<std::string> fields() const override { return whole_->fields(); }
  void read(int64_t index, Sample& sample) const override { whole_->read(of_whole(index), sample); }
  void check(int64_t index) const override { whole_->check(of_whole(index)); }
  std::vector<std::string> class_names() const override { return whole_->class_names(); }
  std::vector<int32_t> numbers(size_t field) const override { return own(whole_->numbers(field)); }
  std::vector<int32_t> strata() const override { return own(whole_->strata()); }
  std::optional<Degradation> degradation() const override { return whole_->degradation(); }
  std::vector<std::string> notes() const override { return whole_->notes(); }
  std::vector<std::string> left_out() const override { return left_out_; }

 private:
  std::vector<int32_t> own(const std::vector<int32_t>& all) const;
  int64_t of_whole(int64_t index) const { return indices_[static_cast<size_t>(index)]; }

  std::shared_ptr<const Dataset> whole_;
  std::vector<uint32_t> indices_;
  std::vector<std::string> left_out_;
};

// Reads all samples once, on as many threads as there are CPUs, and leaves out those whose images are damaged. Throws Error
// when none is left.
std::unique_ptr<const Dataset> leave_out_damaged(std::unique_ptr<const Dataset> data);

}  // namespace rnrun
