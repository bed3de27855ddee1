// What is known while a model is read: numbers that depend on nothing but constants and shapes. Whole numbers may
// depend on the batch, as sizes do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph/type.h"

namespace rnc::onnx {

// number + batches N, where N is the batch.
struct Size {
  int64_t number = 0;
  int64_t batches = 0;
  bool fixed() const { return batches == 0; }
  bool operator==(const Size&) const = default;
};
using Sizes = std::vector<Size>;
inline constexpr Size kOne{1, 0};

// None where the result is no Size, or beyond 64 bits.
std::optional<Size> sum(const Size& a, const Size& b);
std::optional<Size> product(const Size& a, const Size& b);
std::optional<Size> quotient(const Size& a,
                             const Size& b);  // rounded towards zero; of batches only exact ones

Size size_of(int64_t dimension);  // of a Shape, where kBatch is N
Sizes sizes_of(const Shape& shape);
// None unless each is a number, but the first may be N.
std::optional<Shape> shape_of(const Sizes& sizes);
std::string str(const Sizes& sizes);

inline constexpr int64_t kMostFolded = int64_t{1} << 20;  // elements of what is evaluated while reading

// A tensor of real numbers or of whole ones (which booleans are, too).
struct Constant {
  bool is_real = false;
  std::vector<int64_t> shape;
  Sizes whole;                                      // unless is_real
  std::shared_ptr<const std::vector<float>> reals;  // if is_real
  std::string tensor = {};                          // the name of the initializer it is; else empty

  int64_t elements() const {
    return is_real ? static_cast<int64_t>(reals->size()) : static_cast<int64_t>(whole.size());
  }
  bool is_new = false;  // a weight of a new head, whose numbers stand for none
  // An initializer that training may change: several real numbers.
  bool is_weight() const { return is_real && !tensor.empty() && (is_new || reals->size() > 1); }
  double real(int64_t i) const;  // of a whole number, too; the batch counts as nothing
};

Constant reals(std::vector<int64_t> shape, std::vector<float> values);
Constant whole_numbers(std::vector<int64_t> shape, Sizes values);
// The elements at these places, under another shape.
Constant picked(const Constant& from, const std::vector<int64_t>& places, std::vector<int64_t> shape);

}  // namespace rnc::onnx
