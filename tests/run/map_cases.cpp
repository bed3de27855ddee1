// Cases of operations on maps: losses and softmax of rows and of each pixel, and maps sampled anew.
#include <algorithm>

#include "tests/run/operation_cases.h"

namespace rnc::test {

void OperationCases::add_losses() {
  const Type logits = f32({batch_, random_.one_of<int64_t>({kLabels, 10, 33})});
  const Type label{DType::i32, {batch_}, {}};
  const double smoothing = random_.one_of({0.0, 0.1});
  add(Op::softmax, {logits}, {});
  add(Op::softmax_grad, {logits, logits}, {});
  add(Op::cross_entropy, {logits, label}, {{"label_smoothing", smoothing}});
  add(Op::cross_entropy_grad, {f32({}), logits, label}, {{"label_smoothing", smoothing}});

  Shape shape = logits.shape, rows = {batch_};
  for (int64_t d = 2, rank = random_.integer(2, 4); d < rank; ++d) {
    rows.push_back(random_.integer(1, 9));
    shape.push_back(rows.back());
  }
  const Type maps = f32(shape);
  const int64_t axis = random_.integer(1, maps.rank() - 1);
  add(random_.one_of({Op::softmax, Op::log_softmax}), {maps}, {{"axis", axis}});
  add(Op::log_softmax, {maps}, {{"axis", int64_t{-1}}});
  std::vector<Type> operands = {maps, {DType::i32, rows, {}}};
  const bool soft = random_.chance(0.3);
  if (soft) operands[1] = maps;
  if (random_.chance(0.5)) operands.push_back(f32({shape[1]}));
  const int64_t ignored = soft ? kNoLabel : random_.one_of<int64_t>({kNoLabel, kLabels - 1, 255});
  // Weights are of one sign, and no batch is ignored whole.
  if (ignored != kLabels - 1)
    add(Op::cross_entropy, operands, {{"label_smoothing", smoothing}, {"ignore_index", ignored}},
        Fill::positive);
}

void OperationCases::add_sampling() {
  const std::string mode =
      random_.one_of<std::string>({"nearest", "nearest_exact", "bilinear", "bicubic", "area"});
  const bool aligned = (mode == "bilinear" || mode == "bicubic") && random_.chance(0.4);
  const Pair map = pair(1, 15), size = pair(1, 15);
  const Type x = images(channels(), map);
  add(Op::resize, {x}, {{"size", size}, {"mode", mode}, {"align_corners", aligned}});
  add(Op::resize, {x}, {{"scale", random_.uniform(1, 3)}, {"mode", mode}});
  add(Op::resize_grad, {x}, {{"size", size}, {"mode", mode}, {"align_corners", aligned}});
  const Pair windows = {random_.integer(1, map[0]), random_.integer(1, map[1])};
  const Pair all = {windows[0] * (map[0] / windows[0] + 2), windows[1] * (map[1] / windows[1] + 2)};
  add(Op::resize, {x}, {{"size", all}, {"mode", std::string("windows")}, {"windows", windows}});

  const std::string pads = random_.one_of<std::string>({"constant", "reflect", "edge", "circular"});
  Pair sides;
  for (size_t side = 0; side < 4; ++side)
    sides.push_back(random_.integer(0, std::min<int64_t>(map[side % 2] - 1, 4)));
  const double value = random_.one_of({0.0, 0.7});
  add(Op::pad, {x}, {{"pads", sides}, {"mode", pads}, {"value", pads == "constant" ? value : 0.0}});
  const Type padded = images(channels(), {map[0] + sides[0] + sides[2], map[1] + sides[1] + sides[3]});
  add(Op::pad_grad, {padded}, {{"pads", sides}, {"mode", pads}});
}

void OperationCases::add_constants() {
  Shape shape = {random_.integer(1, 40)};
  if (batch_ != kBatch) shape = {batch_, random_.integer(1, 20)};
  std::vector<double> values(static_cast<size_t>(elements_per_sample(shape)));
  for (double& x : values) x = random_.normal();
  add(Op::constants, {}, {{"values", values}, {"shape", shape}});
  add(Op::cast, {{random_.one_of({DType::u8, DType::i32}), {batch_, channels(), random_.integer(1, 20)}, {}}},
      {});
}

}  // namespace rnc::test
