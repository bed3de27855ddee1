#include "runtime/data/companions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

bool is_compared(const Field& field) { return field.is_picture() && !field.is_target; }
// What says whether two pictures are of one class.
bool says_same(const Field& field) {
  return field.is_target && !field.is_class && field.dtype != DType::u8 && field.elements() == 1;
}

class Companions : public Dataset {
 public:
  Companions(std::unique_ptr<const Dataset> data, const std::vector<Field>& fields)
      : data_(std::move(data)), fields_(fields) {
    for (const Field& field : fields_)
      if (!is_compared(field) && !says_same(field) && !field.is_class)
        throw Error(fmt::format(
            "the model compares pictures, of which samples are made of pictures with a class each: "
            "'{}', {}, is neither a picture nor whether two are of one class",
            field.name, type_text(field)));
    const auto places = places_of(compared_fields(fields), *data_);
    image_ = places[0];
    classes_ = data_->numbers(places[1]);
    for (uint32_t i = 0; i < classes_.size(); ++i) members_[classes_[i]].push_back(i);
    if (members_.size() < 2)
      throw Error("all pictures are of one class: pairs and triplets need pictures of at least two");
    if (std::ranges::all_of(members_, [](const auto& of_class) { return of_class.second.size() < 2; }))
      throw Error("each picture is of a class of its own: pairs and triplets need two pictures of a class");
  }

  int64_t size() const override { return data_->size(); }
  int64_t whole_size() const override { return data_->whole_size(); }
  std::string description() const override { return data_->description(); }
  std::vector<std::string> fields() const override {
    std::vector<std::string> names;
    for (const Field& field : fields_) names.push_back(field.name);
    return names;
  }
  bool pictures_are_apart() const override { return true; }
  std::vector<int32_t> numbers(size_t field) const override {
    return fields_.at(field).is_class ? classes_ : Dataset::numbers(field);
  }
  std::vector<int32_t> strata() const override { return data_->strata(); }
  void check(int64_t index) const override { data_->check(index); }
  std::vector<std::string> class_names() const override { return data_->class_names(); }
  std::vector<std::string> notes() const override { return data_->notes(); }
  std::vector<std::string> left_out() const override { return data_->left_out(); }

  void read(int64_t index, Sample& sample) const override { read(index, Random(0, 0), sample); }
  void read(int64_t index, Random random, Sample& sample) const override {
    const Drawn drawn = draw(index, random);
    Sample one;
    sample.resize(fields_.size());
    size_t picture = 0;
    for (size_t i = 0; i < fields_.size(); ++i) {
      const Field& field = fields_[i];
      if (is_compared(field)) {
        data_->read(drawn.pictures.at(picture++), one);
        sample[i] = std::move(one.at(image_));
      } else if (field.is_class) {
        sample[i].set(classes_[static_cast<size_t>(index)]);
      } else {
        say_same(field, drawn.same, sample[i]);
      }
    }
  }

 private:
  struct Drawn {
    std::vector<int64_t> pictures;
    bool same = false;  // the second is of the first one's class
  };

  Drawn draw(int64_t index, Random& random) const {
    const auto pictures = static_cast<size_t>(std::ranges::count_if(fields_, is_compared));
    const int32_t own = classes_[static_cast<size_t>(index)];
    if (pictures == 3) return {{index, another(index, own, random), stranger(own, random)}, true};
    const bool same = random.below(2) == 1;
    return {{index, same ? another(index, own, random) : stranger(own, random)}, same};
  }
  // Another picture of the class, itself where there is none.
  int64_t another(int64_t index, int32_t of_class, Random& random) const {
    const auto& members = members_.at(of_class);
    if (members.size() == 1) return index;
    const auto own = std::ranges::lower_bound(members, static_cast<uint32_t>(index)) - members.begin();
    const auto place = random.up_to(static_cast<int64_t>(members.size()) - 2);
    return members[static_cast<size_t>(place < own ? place : place + 1)];
  }
  // A picture of another class, each class with the same probability.
  int64_t stranger(int32_t of_class, Random& random) const {
    auto other = random.up_to(static_cast<int64_t>(members_.size()) - 2);
    auto found = members_.begin();
    for (; found->first == of_class || other > 0; ++found)
      if (found->first != of_class) --other;
    return found->second[random.below(static_cast<uint32_t>(found->second.size()))];
  }
  static void say_same(const Field& field, bool same, SampleTensor& tensor) {
    tensor.set(same ? 1 : 0);
    tensor.shape = field.shape;
    if (field.dtype != DType::f32) return;
    tensor.dtype = DType::f32;
    const float value = same ? 1 : 0;
    std::copy_n(reinterpret_cast<const uint8_t*>(&value), sizeof value, tensor.bytes.begin());
  }

  std::unique_ptr<const Dataset> data_;
  std::vector<Field> fields_;
  size_t image_ = 0;
  std::vector<int32_t> classes_;  // of each picture
  std::map<int32_t, std::vector<uint32_t>> members_;
};

}  // namespace

bool compares_pictures(const std::vector<Field>& fields) {
  const auto first = std::ranges::find_if(fields, is_compared);
  const auto count = std::ranges::count_if(fields, is_compared);
  return (count == 2 || count == 3) && std::ranges::all_of(fields, [&](const Field& field) {
           return !is_compared(field) || (field.dtype == first->dtype && field.shape == first->shape);
         });
}

std::vector<Field> compared_fields(const std::vector<Field>& fields) {
  Field image = *std::ranges::find_if(fields, is_compared);
  image.name = "image";
  image.dtype = DType::u8;
  Field label{.dtype = DType::i32, .is_target = true};
  const auto own = std::ranges::find_if(fields, &Field::is_class);
  if (own != fields.end()) label = *own;
  label.name = "label";
  return {image, label};
}

std::unique_ptr<const Dataset> with_companions(std::unique_ptr<const Dataset> data,
                                               const std::vector<Field>& fields) {
  return std::make_unique<Companions>(std::move(data), fields);
}

}  // namespace rnrun
