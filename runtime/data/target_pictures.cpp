#include "runtime/data/target_pictures.h"

#include <algorithm>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

class TargetPictures : public Dataset {
 public:
  TargetPictures(std::unique_ptr<const Dataset> data, std::string name, const Degradation& degradation)
      : data_(std::move(data)), name_(std::move(name)), degradation_(degradation) {
    const std::vector<std::string> fields = data_->fields();
    const auto found = std::ranges::find(fields, "image");
    if (found == fields.end()) throw Error("the data have no pictures");
    place_ = static_cast<size_t>(found - fields.begin());
  }
  int64_t size() const override { return data_->size(); }
  std::string description() const override { return data_->description(); }
  std::vector<std::string> fields() const override { return {name_}; }
  void read(int64_t index, Sample& sample) const override {
    data_->read(index, sample);
    std::swap(sample[0], sample[place_]);
    sample.resize(1);
  }
  void check(int64_t index) const override { data_->check(index); }
  std::vector<std::string> notes() const override { return data_->notes(); }
  std::optional<Degradation> degradation() const override { return degradation_; }
  std::vector<std::string> left_out() const override { return data_->left_out(); }

 private:
  std::unique_ptr<const Dataset> data_;
  std::string name_;
  Degradation degradation_;
  size_t place_ = 0;
};

}  // namespace

std::unique_ptr<const Dataset> as_targets(std::unique_ptr<const Dataset> data, std::string name,
                                          const Degradation& degradation) {
  return std::make_unique<TargetPictures>(std::move(data), std::move(name), degradation);
}

}  // namespace rnrun
