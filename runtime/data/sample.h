// What a data set gives and a model takes: samples, each of some tensors by name.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/data/image.h"
#include "runtime/support/array.h"

namespace rnrun {

// What a model takes of each sample.
struct Field {
  std::string name;  // in the data: "image", "label"
  DType dtype = DType::u8;
  std::vector<int64_t> shape;           // of one sample
  int64_t classes = 0;                  // of i32: each value is one of 0..classes-1; 0: any will do
  bool is_target = false;               // what a prediction is compared with
  std::optional<int32_t> ignored = {};  // of i32: a value that counts nothing, besides the classes
  bool is_class = false;                // the class of a sample by which others are like it, see companions.h

  // u8[C, H, W]: a picture, which is made to fit, changed at random and mixed with others. f32[C, H, W] is given
  // pictures, too: of 0 to 1.
  bool is_picture() const { return (dtype == DType::u8 || dtype == DType::f32) && shape.size() == 3; }
  // i32[H, W]: a class for each pixel; it is changed as pictures are, without values between classes.
  bool is_mask() const { return dtype == DType::i32 && shape.size() == 2; }
  ImageShape picture() const { return {shape[0], shape[1], shape[2]}; }
  int64_t elements() const;
  int64_t bytes() const { return elements() * contract::bytes(dtype); }
};
std::string type_text(const Field& field);  // "u8[3, 32, 32]"

// Throws Error "<path>: label 12 of image 3 is not below the model's 10 classes" when one of `values`, those of samples
// from `first` on, is not what the field may be.
void check_range(const Field& field, std::span<const int32_t> values, const std::string& path,
                 int64_t first = 0);

// One tensor of a sample. A picture may have another size than the model's.
struct SampleTensor {
  DType dtype = DType::u8;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;

  void set(Image image);
  // Values of 0 to 255 as reals of 0 to 1 (torchvision's to_tensor).
  void make_real();
  // A picture of one channel as i32[H, W]: a class for each pixel; and the other way round, which throws Error, naming
  // `name`, where a class is not in 0..255.
  void make_classes();
  void make_picture(const std::string& name);
  bool is_picture() const { return dtype == DType::u8 && shape.size() == 3; }
  void set(int32_t value);
  // Takes the picture out. Throws BadImage, naming `name`, when it is none.
  Image take_picture(const std::string& name);
  Image picture() const { return {{shape[0], shape[1], shape[2]}, bytes}; }  // of one
  std::span<const int32_t> numbers() const {
    return {reinterpret_cast<const int32_t*>(bytes.data()), bytes.size() / sizeof(int32_t)};
  }
};
using Sample = std::vector<SampleTensor>;

}  // namespace rnrun
