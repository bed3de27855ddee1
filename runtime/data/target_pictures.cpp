#include "runtime/data/target_pictures.h"

#include <algorithm>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

class TargetPictures : public Dataset {
 public:
  TargetPictures(std::unique_ptr<const Dataset> data, std::string name)
      : data_(std::move(data)), name_(std::move(name)) {
    const std::vector<std::string> fields = data_->fields();
    const auto found = std::ranges::find(fields, "image");
    check(found != fields.end(), "data sets of pictures have the field image");
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
  std::vector<std::string> left_out() const override { return data_->left_out(); }

 private:
  std::unique_ptr<const Dataset> data_;
  std::string name_;
  size_t place_;
};

}  // namespace

std::unique_ptr<const Dataset> as_targets(std::unique_ptr<const Dataset> data, std::string name) {
  return std::make_unique<TargetPictures>(std::move(data), std::move(name));
}

}  // namespace rnrun
