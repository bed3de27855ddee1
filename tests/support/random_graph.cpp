#include "tests/support/random_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/random.h"

namespace rnc::test {
namespace {

constexpr int64_t kClasses = 5;

// Grows a network layer by layer. Layers are named after their place: "stage2.conv", "stage2.bn".
class Grower {
 public:
  Grower(uint64_t seed, bool wide) : random_(seed), wide_(wide) {
    module_.name = fmt::format("random{}", seed);
    module_.entries.push_back({.name = "model", .role = EntryRole::model});
  }

  Module grow() {
    GraphBuilder b(module_, module_.entries[0]);
    builder_ = &b;
    ValueId x = stem();
    const int64_t stages = random_.integer(2, 5);
    for (int64_t i = 0; i < stages; ++i) {
      scope_ = fmt::format("stage{}.", i);
      x = stage(x);
    }
    scope_.clear();
    const ValueId predicted = head(x);
    finish(predicted);
    return std::move(module_);
  }

 private:
  ValueId stem() {
    Type image{
        DType::f32, {kBatch, random_.integer(1, 4), random_.integer(6, 13), random_.integer(6, 13)}, {}};
    const bool raw = random_.chance(0.6);
    if (raw) image.dtype = DType::u8;
    ValueId x = builder_->input("image", image);
    label_ = builder_->input("label", {DType::i32, {kBatch}, {}});
    if (!raw) return x;
    if (random_.chance(0.3)) {
      x = emit(Op::resize, "resize", {x}, {{"size", pair(random_.integer(7, 12), random_.integer(7, 12))}});
    }
    std::vector<double> mean, std;
    for (int64_t c = 0; c < image.shape[1]; ++c) {
      mean.push_back(random_.uniform(0.3, 0.6));
      std.push_back(random_.uniform(0.2, 0.3));
    }
    return emit(Op::normalize, "normalize", {x}, {{"mean", mean}, {"std", std}});
  }

  ValueId stage(ValueId x) {
    switch (random_.integer(0, 5)) {
      case 0:
        return pool(x);
      case 1:
        return residual(x);
      case 2:
        return emit(Op::relu, "relu", {batch_norm(x, "bn")});
      default:
        return conv_norm_relu(x);
    }
  }

  ValueId conv_norm_relu(ValueId x) {
    const int64_t groups = channels(x) % 2 == 0 && random_.chance(0.3) ? 2 : 1;
    x = conv(x, "conv", width(4) * groups, random_.one_of<int64_t>({1, 2, 3}),
             {random_.integer(1, 2), random_.integer(1, 2)}, groups);
    if (random_.chance(0.7)) x = batch_norm(x, "bn");
    return random_.chance(0.7) ? emit(Op::relu, "relu", {x}) : x;
  }

  // relu(norm(conv(x)) + shortcut), the shortcut with a 1x1 convolution where shapes differ.
  ValueId residual(ValueId x) {
    const int64_t out = random_.chance(0.5) ? channels(x) : width(7);
    const std::vector<int64_t> stride(2, random_.integer(1, 2));
    const ValueId y = batch_norm(conv(x, "conv1", out, 3, stride, 1), "bn1");
    ValueId shortcut = x;
    if (out >= channels(x) && random_.chance(0.3)) {
      const int64_t added = out - channels(x), before = random_.integer(0, added);
      shortcut = emit(Op::avg_pool, "subsample", {x}, {{"kernel", pair(1, 1)}, {"stride", stride}});
      shortcut = emit(Op::pad_channels, "pad", {shortcut}, {{"before", before}, {"after", added - before}});
    } else if (stride[0] != 1 || out != channels(x)) {
      shortcut = conv(x, "downsample", out, 1, stride, 1);
      if (random_.chance(0.5)) shortcut = batch_norm(shortcut, "downsample_bn");
    }
    return emit(Op::relu, "relu", {emit(Op::add, "add", {y, shortcut})});
  }

  ValueId conv(ValueId x, const std::string& name, int64_t out, int64_t kernel, std::vector<int64_t> stride,
               int64_t groups) {
    const int64_t smallest = std::min(shape(x)[2], shape(x)[3]);
    const int64_t dilation = kernel > 1 && smallest > 2 * kernel && random_.chance(0.2) ? 2 : 1;
    const int64_t pad = kernel / 2 * dilation;
    const ValueId weight = parameter(name + ".weight", {out, channels(x) / groups, kernel, kernel});
    std::vector<ValueId> inputs = {x, weight};
    if (random_.chance(0.5)) inputs.push_back(parameter(name + ".bias", {out}));
    return emit(Op::conv2d, name, std::move(inputs),
                {{"stride", std::move(stride)},
                 {"pad", pair(pad, pad)},
                 {"dilation", pair(dilation, dilation)},
                 {"groups", groups}});
  }

  ValueId batch_norm(ValueId x, const std::string& name) {
    const Shape c = {channels(x)};
    const ValueId weight = parameter(name + ".weight", c), bias = parameter(name + ".bias", c);
    const ValueId mean = buffer(name + ".running_mean", c, 0.0), var = buffer(name + ".running_var", c, 1.0);
    return emit(Op::batch_norm, name, {x, weight, bias, mean, var},
                {{"eps", random_.one_of({1e-5, 1e-3})}, {"momentum", random_.one_of({0.1, 0.25})}});
  }

  ValueId pool(ValueId x) {
    const Shape s = shape(x);
    const int64_t kernel = std::min({random_.integer(1, 3), s[2], s[3]});
    const int64_t pad = random_.integer(0, kernel / 2);
    const Attribute stride = pair(random_.integer(1, 2), random_.integer(1, 2));
    if (random_.chance(0.6)) {
      return emit(Op::max_pool, "max_pool", {x},
                  {{"kernel", pair(kernel, kernel)}, {"stride", stride}, {"pad", pair(pad, pad)}});
    }
    return emit(Op::avg_pool, "avg_pool", {x},
                {{"kernel", pair(kernel, kernel)},
                 {"stride", stride},
                 {"pad", pair(pad, pad)},
                 {"count_include_pad", random_.chance(0.5)}});
  }

  ValueId head(ValueId x) {
    if (random_.chance(0.7)) x = emit(Op::global_avg_pool, "pool", {x});
    x = emit(Op::flatten, "flatten", {x});
    std::vector<ValueId> inputs = {x, parameter("fc.weight", {kClasses, shape(x)[1]})};
    if (random_.chance(0.8)) inputs.push_back(parameter("fc.bias", {kClasses}));
    return emit(Op::linear, "fc", std::move(inputs));
  }

  void finish(ValueId predicted) {
    const ValueId loss = emit(Op::cross_entropy, "loss", {predicted, label_},
                              {{"label_smoothing", random_.one_of({0.0, 0.1})}});
    Graph& graph = module_.entries[0];
    graph.outputs = {{"fc", predicted}, {"loss", loss, OutputRole::loss}};
    module_.predict = "fc";
    module_.optimizer.name = "sgd";
    module_.optimizer.hyper.set("momentum", 0.9);
    module_.optimizer.hyper.set("weight_decay", 1e-3);
  }

  ValueId emit(Op op, const std::string& name, std::vector<ValueId> inputs,
               std::initializer_list<std::pair<std::string, Attribute>> attributes = {}) {
    Attributes all;
    for (const auto& [key, value] : attributes) all.set(key, value);
    builder_->set_origin({}, scope_ + name);
    return builder_->emit(op, std::move(inputs), std::move(all), scope_ + name);
  }

  ValueId tensor(TensorKind kind, const std::string& name, Shape shape, double value) {
    Tensor tensor{scope_ + name, kind, {DType::f32, std::move(shape), {}}, {}, {}};
    tensor.initializer.attributes.set("value", value);
    module_.tensors.push_back(tensor);
    return builder_->state(tensor.name);
  }
  ValueId parameter(const std::string& name, Shape shape) {
    return tensor(TensorKind::parameter, name, std::move(shape), 0.1);
  }
  ValueId buffer(const std::string& name, Shape shape, double value) {
    return tensor(TensorKind::buffer, name, std::move(shape), value);
  }

  // A number of channels.
  int64_t width(int64_t most) {
    return wide_ ? random_.one_of<int64_t>({8, 15, 16, 17, 33}) : random_.integer(1, most);
  }
  static Attribute pair(int64_t h, int64_t w) { return std::vector<int64_t>{h, w}; }
  const Shape& shape(ValueId v) const { return (*builder_)[v].type.shape; }
  int64_t channels(ValueId v) const { return shape(v)[1]; }

  Random random_;
  bool wide_;
  Module module_;
  GraphBuilder* builder_ = nullptr;
  ValueId label_ = kNoValue;
  std::string scope_;
};

TensorData filled(const Shape& shape, int64_t batch, const auto& next) {
  TensorData data{concrete(shape, batch), {}};
  int64_t count = 1;
  for (const int64_t size : data.shape) count *= size;
  for (int64_t i = 0; i < count; ++i) data.values.push_back(next());
  return data;
}

// Standard deviation that keeps activations about as large as they are.
double weight_scale(const Shape& shape) {
  if (shape.size() < 2) return 0.5;
  return 1.2 / std::sqrt(static_cast<double>(elements_per_sample(shape) / shape[0]));
}

// An f32's worth of digits, so that compiled code starts from the same numbers.
double f32(double value) { return static_cast<double>(static_cast<float>(value)); }

}  // namespace

Module random_module(uint64_t seed, bool wide) { return Grower(seed, wide).grow(); }

Tensors random_inputs(const Module& module, const Graph& entry, int64_t batch, uint64_t seed) {
  Random random(seed);
  const auto classes = static_cast<int64_t>(module.classes.size());
  Tensors inputs;
  for (const Node& node : entry.nodes) {
    if (node.op != Op::input) continue;
    inputs[node.name] = filled(node.type.shape, batch, [&]() -> double {
      if (node.type.dtype == DType::u8) return static_cast<double>(random.integer(0, 255));
      if (node.type.dtype == DType::i32) {
        return static_cast<double>(random.integer(0, (classes > 0 ? classes : kClasses) - 1));
      }
      if (node.name == "step") return 3;
      return f32(node.type.shape.empty() ? random.uniform(0.01, 0.2) : random.normal());
    });
  }
  return inputs;
}

Tensors random_tensors(const Module& module, uint64_t seed) {
  Random random(seed);
  Tensors tensors;
  for (const Tensor& tensor : module.tensors) {
    if (tensor.kind == TensorKind::prepared) continue;
    const bool positive = tensor.name.ends_with("running_var") || tensor.kind == TensorKind::slot;
    const double scale = weight_scale(tensor.type.shape);
    const double mean = tensor.name.ends_with(".weight") && tensor.type.rank() == 1 ? 1 : 0;
    tensors[tensor.name] = filled(tensor.type.shape, 1, [&] {
      return f32(positive ? random.uniform(0.5, 1.5) : random.normal(mean, scale));
    });
  }
  return tensors;
}

}  // namespace rnc::test
