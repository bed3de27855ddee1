// A case for every operation alone: an entry that computes it of random shapes and attributes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/model_builder.h"
#include "tests/support/random.h"

namespace rnc::test {

using Pair = std::vector<int64_t>;
using AttributeList = std::initializer_list<std::pair<std::string, Attribute>>;

// What the operands of a case are filled with.
enum class Fill : uint8_t {
  normal,
  wide,  // as far as where functions go flat
  positive,
  few_values,  // multiples of a half: equal maxima, and zeros
  with_nan,
};

constexpr int64_t kLabels = 3;  // labels are below

// A convolution or pool: shapes and attributes that fit each other.
struct Window {
  int64_t in, out, groups;
  Pair map, kernel, stride, pad, dilation, result;  // pad: of four sides
};

// A module with an entry for each case.
class OperationCases {
 public:
  // `batch`: the first size of all operands, kBatch or a number.
  OperationCases(uint64_t seed, int64_t batch) : random_(seed), batch_(batch) {
    builder_.module.entries.clear();
  }

  Module& module() { return builder_.module; }
  Fill fill(const std::string& entry) const { return fills_.at(entry); }
  const std::set<Op>& operations() const { return operations_; }

  void add_all();

 private:
  // An entry that computes `op` of inputs of these types.
  void add(Op op, const std::vector<Type>& operands, AttributeList attributes, Fill fill = Fill::normal);
  static Type f32(Shape shape) { return {DType::f32, std::move(shape), {}}; }
  Type images(int64_t channels, const Pair& map, DType dtype = DType::f32) const {
    return {dtype, {batch_, channels, map[0], map[1]}, {}};
  }
  int64_t channels() { return random_.one_of<int64_t>({1, 3, 5, 16, 17, 33}); }
  Pair pair(int64_t low, int64_t high) { return {random_.integer(low, high), random_.integer(low, high)}; }
  // Random, small enough for the interpreter.
  Window window(int64_t largest_kernel, bool pool);
  void add_convolutions();
  // A weight transformed, and a convolution that uses it.
  void add_winograd();
  void add_grouped_weight();
  void add_pools();
  void add_channels();
  void add_along_axes(const Type& x);
  // Operands that spread over each other along dimensions of their own.
  void add_spread();
  void add_reductions();
  void add_permutation();
  void add_rolls();
  void add_masks();
  void add_transposed();
  void add_elementwise();
  void add_activations(const Type& x);
  void add_comparisons(const Type& x);
  // What an optimizer makes of its numbers, which are f64, among themselves and with tensors and f32 scalars.
  void add_numbers();
  void add_matrix_products();
  void add_normalization();
  void add_losses();
  void add_sampling();
  void add_constants();
  void add_images();

  Random random_;
  int64_t batch_;
  ModelBuilder builder_;
  std::map<std::string, Fill> fills_;
  std::set<Op> operations_;
};

}  // namespace rnc::test
