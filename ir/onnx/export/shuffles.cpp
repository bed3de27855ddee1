// Squares of pixels as channels, and back: a reshape, a permutation and a reshape.
#include "ir/onnx/export/composites.h"

namespace rnc::onnx {
namespace {

// [N, C r r, H, W] to [N, C, r H, r W], in the orders that PyTorch (CRD) and others (DCR) have.
std::optional<std::function<void(Operation&)>> depth_to_space(ValueId x, const Shape& from,
                                                              const Shape& parts,
                                                              const std::vector<int64_t>& order) {
  const bool crd = order == std::vector<int64_t>{0, 1, 4, 2, 5, 3};
  if (!crd && order != std::vector<int64_t>{0, 3, 4, 1, 5, 2}) return {};
  const int64_t r = parts[2], channels = crd ? parts[1] : parts[3];
  const Shape expected = crd ? Shape{from[0], channels, r, r, from[2], from[3]}
                             : Shape{from[0], r, r, channels, from[2], from[3]};
  if (parts != expected) return {};
  return [x, r, crd](Operation& op) {
    op.result("DepthToSpace", {op.value(x)}, {{"blocksize", r}, {"mode", std::string(crd ? "CRD" : "DCR")}});
  };
}

// Back; ONNX has the order in which the places in a square come before the channels, which of one channel all are.
std::optional<std::function<void(Operation&)>> space_to_depth(ValueId x, const Shape& from,
                                                              const Shape& parts,
                                                              const std::vector<int64_t>& order) {
  const int64_t r = parts[3];
  const bool places_first = order == std::vector<int64_t>{0, 3, 5, 1, 2, 4} ||
                            (from[1] == 1 && order == std::vector<int64_t>{0, 1, 3, 5, 2, 4});
  if (!places_first || parts != Shape{from[0], from[1], from[2] / r, r, from[3] / r, r}) return {};
  return [x, r](Operation& op) { op.result("SpaceToDepth", {op.value(x)}, {{"blocksize", r}}); };
}

}  // namespace

std::optional<std::function<void(Operation&)>> recognise_shuffle(Trail& trail, ValueId v, int64_t) {
  const Node* joined = trail.step(v, Op::reshape);
  const Node* permuted = joined == nullptr ? nullptr : trail.step(joined->inputs[0], Op::permute);
  const Node* parted = permuted == nullptr ? nullptr : trail.step(permuted->inputs[0], Op::reshape);
  if (parted == nullptr || parted->type.rank() != 6 || joined->type.rank() != 4) return {};
  const ValueId x = parted->inputs[0];
  const Shape &from = trail.shape(x), &parts = parted->type.shape, &to = joined->type.shape;
  const auto& order = permuted->attributes.get<std::vector<int64_t>>("order");
  if (from.size() != 4) return {};
  if (to[2] > from[2] && to[2] % from[2] == 0 && to[3] / from[3] == to[2] / from[2] && to[3] % from[3] == 0)
    return depth_to_space(x, from, parts, order);
  if (to[2] < from[2]) return space_to_depth(x, from, parts, order);
  return {};
}

}  // namespace rnc::onnx
