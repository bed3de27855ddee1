// A model written by hand, as rnc would compile it: softmax regression on 28x28 images, trained by SGD with
// momentum and a learning rate of lr / (1 + step / 1000). It has one of everything the runtime handles: a
// blocked layout with padding lanes, a buffer, slots, gradients, a prepared tensor, an arena, scratch memory,
// scalar inputs with and without defaults. Macros on the compiler's command line make the variants that must
// be refused.
#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/contract/abi.h"

#ifndef MODEL_MAGIC
#define MODEL_MAGIC RN_MAGIC
#endif
#ifndef MODEL_VERSION
#define MODEL_VERSION RN_ABI_VERSION
#endif
#ifndef MODEL_FEATURES
#define MODEL_FEATURES ""
#endif
#ifndef MODEL_CLASSES
#define MODEL_CLASSES 10
#endif
#ifndef MODEL_FIRST_OFFSET
#define MODEL_FIRST_OFFSET 0
#endif
#ifndef MODEL_OPTIMIZER
#define MODEL_OPTIMIZER "sgd"
#endif
#ifndef MODEL_LR
#define MODEL_LR "lr"
#endif
#ifndef MODEL_LABELS
#define MODEL_LABELS MODEL_CLASSES
#endif
#ifndef MODEL_IGNORED_LABEL
#define MODEL_IGNORED_LABEL RN_NO_LABEL
#endif
#ifndef MODEL_MIN_BATCH
#define MODEL_MIN_BATCH 1
#endif
#define MODEL_LEAST nullptr, 0, {}, MODEL_MIN_BATCH, "bn1"
#ifndef MODEL_BATCH
#define MODEL_BATCH 256
#endif
#define MODEL_TEXT(value) MODEL_QUOTED(value)
#define MODEL_QUOTED(value) #value

namespace {

constexpr int64_t kPixels = 28 * 28;
constexpr int64_t kClasses = MODEL_CLASSES;
constexpr int64_t kLanes = 16;  // classes padded to one vector
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Places in the regions, in floats. The weight is stored [pixel][lane]: order 1 0, blocks 0:16.
constexpr int64_t kWeight = 0;
constexpr int64_t kBias = kPixels * kLanes;
constexpr int64_t kRegion = kBias + kLanes;

float* tensors(const rn_run& run, rn_tensor_kind kind) { return static_cast<float*>(run.tensors[kind]); }
const uint8_t* image(const rn_run& run) { return static_cast<const uint8_t*>(run.inputs[0]); }
const int32_t* label(const rn_run& run) { return static_cast<const int32_t*>(run.inputs[1]); }
double scalar(const rn_run& run, int64_t input) { return *static_cast<const double*>(run.inputs[input]); }
// The arena holds, per sample, d(loss)/d(logits).
float* error(const rn_run& run) { return static_cast<float*>(run.arena); }

struct Frame {
  const rn_run* run;
  const float* weight;
};

void forward_task(const void* data, int64_t begin, int64_t end, int64_t worker) {
  const auto& frame = *static_cast<const Frame*>(data);
  float* sums = static_cast<float*>(frame.run->scratch) + worker * kLanes;
  for (int64_t n = begin; n < end; ++n) {
    for (int64_t k = 0; k < kLanes; ++k) sums[k] = frame.weight[kBias + k];
    for (int64_t i = 0; i < kPixels; ++i) {
      const float x = static_cast<float>(image(*frame.run)[n * kPixels + i]) / 255.0f;
      for (int64_t k = 0; k < kLanes; ++k) sums[k] += x * frame.weight[i * kLanes + k];
    }
    for (int64_t k = 0; k < kClasses; ++k)
      static_cast<float*>(frame.run->outputs[0])[n * kClasses + k] = sums[k];
  }
}

void forward(const rn_run& run, rn_tensor_kind weights) {
  const Frame frame{&run, tensors(run, weights)};
  run.parallel_for(run.context, 0, run.batch, forward_task, &frame);
}

// Mean cross entropy; leaves its gradient in the arena.
void loss(const rn_run& run) {
  const auto* logits = static_cast<const float*>(run.outputs[0]);
  double sum = 0;
  for (int64_t n = 0; n < run.batch; ++n) {
    double total = 0;
    for (int64_t k = 0; k < kClasses; ++k) total += std::exp(static_cast<double>(logits[n * kClasses + k]));
    for (int64_t k = 0; k < kClasses; ++k) {
      const double p = std::exp(static_cast<double>(logits[n * kClasses + k])) / total;
      const double target = k == label(run)[n] ? 1 : 0;
      error(run)[n * kLanes + k] = static_cast<float>((p - target) / static_cast<double>(run.batch));
      if (k == label(run)[n]) sum -= std::log(p);
    }
  }
  *static_cast<float*>(run.outputs[1]) = static_cast<float>(sum / static_cast<double>(run.batch));
}

void gradient_task(const void* data, int64_t begin, int64_t end, int64_t) {
  const auto& frame = *static_cast<const Frame*>(data);
  float* gradient = tensors(*frame.run, RN_GRADIENT);
  for (int64_t i = begin; i < end; ++i)
    for (int64_t k = 0; k < kClasses; ++k) {
      float sum = 0;
      for (int64_t n = 0; n < frame.run->batch; ++n) {
        const float x = i == kPixels ? 1 : static_cast<float>(image(*frame.run)[n * kPixels + i]) / 255.0f;
        sum += x * error(*frame.run)[n * kLanes + k];
      }
      gradient[i * kLanes + k] = sum;
    }
}

// False when the loss is not finite.
bool backward(const rn_run* run) {
  forward(*run, RN_PARAMETER);
  loss(*run);
  if (!std::isfinite(*static_cast<const float*>(run->outputs[1]))) return false;
  const Frame frame{run, nullptr};
  run->parallel_for(run->context, 1, kPixels + 1, gradient_task, &frame);
  float& mean = *tensors(*run, RN_BUFFER);  // a running mean of the first pixel
  mean = 0.9f * mean + 0.1f * static_cast<float>(image(*run)[0]);
  return true;
}

void run_backward(const rn_run* run) { backward(run); }

// `first`: the number of the input "lr", followed by momentum and step.
void update(const rn_run& run, int64_t first) {
  const auto lr = static_cast<float>(scalar(run, first) / (1 + scalar(run, first + 2) / 1000));
  const auto momentum = static_cast<float>(scalar(run, first + 1));
  for (int64_t i = 0; i < kRegion; ++i) {
    float& v = tensors(run, RN_SLOT)[i];
    v = momentum * v + tensors(run, RN_GRADIENT)[i];
    tensors(run, RN_PARAMETER)[i] -= lr * v;
  }
}

void run_update(const rn_run* run) { update(*run, 0); }

void run_train_step(const rn_run* run) {
  if (backward(run)) update(*run, 2);
}

void run_prepare(const rn_run* run) {
  for (int64_t i = 0; i < kRegion; ++i) tensors(*run, RN_PREPARED)[i] = tensors(*run, RN_PARAMETER)[i];
}

void run_infer(const rn_run* run) { forward(*run, RN_PREPARED); }

void run_loss(const rn_run* run) {
  forward(*run, RN_PREPARED);
  loss(*run);
}

constexpr rn_type kWeightType = {RN_F32, 2, {kClasses, kPixels}, {1, 0}, 1, {0}, {kLanes}};
constexpr rn_type kBiasType = {RN_F32, 1, {kClasses}, {0}, 1, {0}, {kLanes}};
constexpr rn_type kScalar = {RN_F32, 0, {}, {}, 0, {}, {}};
constexpr rn_type kNumber = {RN_F64, 0, {}, {}, 0, {}, {}};
constexpr rn_type kImage = {RN_U8, 4, {-1, 1, 28, 28}, {0, 1, 2, 3}, 0, {}, {}};
constexpr rn_type kLabel = {RN_I32, 1, {-1}, {0}, 0, {}, {}};
constexpr rn_type kLogits = {RN_F32, 2, {-1, kClasses}, {0, 1}, 0, {}, {}};

const rn_attribute kA[] = {{"a", "2.23606797749979", 2.23606797749979}};
const rn_attribute kBound[] = {{"bound", "0.035714285714", 0.035714285714}};
constexpr int64_t kWeightBytes = kPixels * kLanes * 4;
constexpr int64_t kBiasBytes = kLanes * 4;

const rn_tensor kTensors[] = {
    {"fc.weight",
     RN_PARAMETER,
     -1,
     kWeightType,
     MODEL_FIRST_OFFSET,
     kWeightBytes,
     "kaiming_uniform",
     {kA, 1}},
    {"fc.bias", RN_PARAMETER, -1, kBiasType, kWeightBytes, kBiasBytes, "uniform", {kBound, 1}},
    {"first_pixel.mean", RN_BUFFER, -1, kScalar, 0, 4, "constant", {nullptr, 0}},
    {"momentum.fc.weight", RN_SLOT, 0, kWeightType, 0, kWeightBytes, "constant", {nullptr, 0}},
    {"momentum.fc.bias", RN_SLOT, 1, kBiasType, kWeightBytes, kBiasBytes, "constant", {nullptr, 0}},
    {"grad.fc.weight", RN_GRADIENT, 0, kWeightType, 0, kWeightBytes, "constant", {nullptr, 0}},
    {"grad.fc.bias", RN_GRADIENT, 1, kBiasType, kWeightBytes, kBiasBytes, "constant", {nullptr, 0}},
    {"prepared.fc.weight", RN_PREPARED, -1, kWeightType, 0, kWeightBytes, "constant", {nullptr, 0}},
    {"prepared.fc.bias", RN_PREPARED, -1, kBiasType, kWeightBytes, kBiasBytes, "constant", {nullptr, 0}},
};

const rn_value kInputs[] = {{"image", RN_SAMPLE, 0, kImage, kNone},
                            {"label", RN_TARGET, MODEL_IGNORED_LABEL, kLabel, kNone, MODEL_LABELS},
                            {"lr", RN_LEARNING_RATE, 0, kNumber, kNone},
                            {"momentum", RN_HYPER, 0, kNumber, 0.9},
                            {"step", RN_STEP, 0, kNumber, kNone}};
const rn_value kOutputs[] = {{"fc", RN_PREDICTION, 0, kLogits, kNone}, {"loss", RN_LOSS, 0, kScalar, kNone}};

constexpr rn_extent kFlops = {0, 2 * kPixels* kClasses};
constexpr rn_extent kMoved = {kWeightBytes, kPixels};
constexpr rn_extent kPixelTasks = {kPixels + 1, 0};
// As if the weight gradient knew an algorithm of half the work for 16 images and more.
constexpr rn_extent kHalf = {0, kPixels* kClasses};
const rn_call_info kCalls[] = {
    {"linear_forward", "fc", "forward", "direct", kFlops, kMoved, {0, 1}, kFlops, 1, {}},
    {"linear_weight_grad", "fc", "weight_grad", "clever", kFlops, kMoved, kPixelTasks, kHalf, 16, {8, 0}},
};

constexpr uint32_t kinds(auto... kind) { return ((1u << kind) | ... | 0u); }
constexpr uint32_t kUpdated = kinds(RN_PARAMETER, RN_SLOT, RN_GRADIENT);
constexpr uint32_t kTrained = kUpdated | kinds(RN_BUFFER);
constexpr rn_extent kArena = {0, kLanes * 4};
constexpr rn_extent kTwice = {0, 4 * kPixels* kClasses};

const rn_entry kEntries[] = {
    {"prepare",
     nullptr,
     0,
     nullptr,
     0,
     kinds(RN_PARAMETER, RN_PREPARED),
     RN_PREPARE,
     {},
     {},
     nullptr,
     0,
     run_prepare},
    {"infer", kInputs, 1, kOutputs, 1, kinds(RN_PREPARED), RN_INFER, {}, kFlops, kCalls, 1, run_infer},
    {"loss", kInputs, 2, kOutputs, 2, kinds(RN_PREPARED), RN_EVALUATE, {kArena}, kFlops, kCalls, 1, run_loss},
    {"backward",
     kInputs,
     2,
     kOutputs,
     2,
     kTrained,
     RN_BACKWARD,
     {kArena},
     kTwice,
     kCalls,
     2,
     run_backward,
     MODEL_LEAST},
    {"update", kInputs + 2, 3, nullptr, 0, kUpdated, RN_UPDATE, {}, {}, nullptr, 0, run_update},
    {"train_step",
     kInputs,
     5,
     kOutputs,
     2,
     kTrained,
     RN_TRAIN_STEP,
     {kArena},
     kTwice,
     kCalls,
     2,
     run_train_step,
     MODEL_LEAST},
};

const char* const kNames[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                              "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
const rn_attribute kRecipe[] = {
    {"batch_size", MODEL_TEXT(MODEL_BATCH), MODEL_BATCH}, {"epochs", "2", 2}, {MODEL_LR, "0.1", 0.1}};
const rn_attribute kHyper[] = {{"momentum", "0.9", 0.9}};
constexpr int64_t kRegionBytes = kRegion * 4;

}  // namespace

extern "C" __attribute__((visibility("default"))) const rn_model_descriptor rn_model = {
    MODEL_MAGIC,
    MODEL_VERSION,
    "x86_64-pc-linux-gnu",
    "generic",
    MODEL_FEATURES,
    "by hand",
    "linear",
    0x1234 + kClasses,
    "fc",
    kNames,
    kClasses < 10 ? kClasses : 10,
    {kRecipe, 3},
    MODEL_OPTIMIZER,
    {kHyper, 1},
    kTensors,
    sizeof kTensors / sizeof *kTensors,
    {kRegionBytes, 64, kRegionBytes, kRegionBytes, kRegionBytes},
    kLanes * 4,
    kEntries,
    sizeof kEntries / sizeof *kEntries,
    nullptr,
    0,
    nullptr,
    0,
    "f32",
};
