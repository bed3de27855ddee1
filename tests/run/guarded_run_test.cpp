// The guarded host finds the mistakes of models that make them on purpose.
#include <doctest/doctest.h>

#include "tests/run/guarded_host.h"

using namespace rnc;
using namespace rnc::test;

namespace {

constexpr int64_t kSamples = 3;
constexpr int64_t kSize = 3 * kSamples;  // of the input and of the output

// An element that is read and written without a sanitizer's checks, as compiled models are: what is wrong here must
// be found by the host.
class Element {
 public:
  explicit Element(float* place) : place_(place) {}
  __attribute__((no_sanitize("address", "undefined"))) operator float() const { return *place_; }
  __attribute__((no_sanitize("address", "undefined"))) Element& operator=(float value) {
    *place_ = value;
    return *this;
  }
  Element& operator=(const Element& other) { return *this = static_cast<float>(other); }

 private:
  float* place_;
};

struct Floats {
  explicit Floats(const void* data) : begin(reinterpret_cast<uintptr_t>(data)) {}
  Element operator[](int64_t i) const {
    return Element(reinterpret_cast<float*>(begin + static_cast<uintptr_t>(i) * sizeof(float)));
  }
  uintptr_t begin;
};

// What a model touches.
struct Arrays {
  explicit Arrays(const rn_run* run)
      : w(run->tensors[RN_PARAMETER]),
        gradient(run->tensors[RN_GRADIENT]),
        x(run->inputs[0]),
        y(run->outputs[0]),
        arena(run->arena),
        scratch(run->scratch) {
    for (int64_t i = 0; i < kSize; ++i) y[i] = 2 * x[i];
  }
  Floats w;
  Floats gradient;
  Floats x;
  Floats y;
  Floats arena;
  Floats scratch;
};

// An entry of one call with one task.
template <class Task>
void run_entry(const rn_run* run) {
  const rn_task body = [](const void* frame, int64_t, int64_t, int64_t) {
    Task{}(Arrays(static_cast<const rn_run*>(frame)));
  };
  run->parallel_for(run->context, 0, 1, body, run);
}

// What is found in a model with parameter w of 12 elements, input x and output y that doubles x and runs
// `task`.
template <class Task>
std::string fault_of(Task, Flush flush = Flush::end) {
  const rn_type w{RN_F32, 1, {12}, {0}, 0, {}, {}};
  const rn_type rows{RN_F32, 2, {-1, 3}, {0, 1}, 0, {}, {}};
  const rn_tensor tensors[] = {{"w", RN_PARAMETER, -1, w, 0, 48, "constant", {}},
                               {"grad.w", RN_GRADIENT, 0, w, 0, 48, "constant", {}}};
  const rn_value x{"x", RN_SAMPLE, 0, rows, 0};
  const rn_value y{"y", RN_PREDICTION, 0, rows, 0};
  const rn_call_info call{"double", "fc", "forward", "", {}, {}, {}, {}, 1, {}};
  const rn_buffer buffer{"t", {64, 0}, {0, 0}, 0, 0, RN_F32, 0};
  rn_entry entry{};
  entry.name = "infer";
  entry.inputs = &x;
  entry.outputs = &y;
  entry.input_count = entry.output_count = entry.call_count = entry.buffer_count = 1;
  entry.tensor_kinds = 1u << RN_PARAMETER;
  entry.arena[0] = entry.arena[1] = {64, 0};
  entry.calls = &call;
  entry.run = run_entry<Task>;
  entry.buffers = &buffer;
  rn_model_descriptor model{};
  model.magic = RN_MAGIC;
  model.version = RN_ABI_VERSION;
  model.features = "";
  model.tensors = tensors;
  model.tensor_count = 2;
  model.region_bytes[RN_PARAMETER] = model.region_bytes[RN_GRADIENT] = 64;
  model.scratch_bytes_per_worker = 64;
  model.entries = &entry;
  model.entry_count = 1;
  const HostedData data{{{"x", {{kSamples, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}}}, {}, kSamples};
  return hosted_fault(model, data, {"", flush, 1});
}

const std::string kCrash = "infer: Segmentation fault in kernel double, fc forward";

}  // namespace

TEST_CASE("the guarded host finds accesses outside arrays") {
  CHECK(fault_of([](Arrays) {}) == "");
  CHECK(fault_of([](Arrays a) { a.y[0] = a.w[12]; }) == "");  // padding is there, and zero
  CHECK(fault_of([](Arrays a) { a.y[0] = a.w[16]; }) == kCrash);
  CHECK(fault_of([](Arrays a) { a.y[0] = a.w[-1]; }, Flush::start) == kCrash);
  CHECK(fault_of([](Arrays a) { a.y[0] = a.x[16]; }) == kCrash);
  CHECK(fault_of([](Arrays a) { a.y[0] = a.arena[16]; }) == kCrash);
  CHECK(fault_of([](Arrays a) { a.y[16] = 0; }) == kCrash);
  CHECK(fault_of([](Arrays a) { a.scratch[16] = 0; }) == kCrash);
  CHECK(fault_of([](Arrays a) { a.y[kSize] = 0; }) == "infer: writes behind the output 'y'");
  CHECK(fault_of([](Arrays a) { a.x[0] = 0; }) == kCrash);
  // A kind of tensor that the entry does not name.
  CHECK(fault_of([](Arrays a) { a.y[0] = a.gradient[0]; }) == "Segmentation fault in the ordinary run");
}

TEST_CASE("the guarded host finds what was read before it was written, and what was left in padding") {
  CHECK(fault_of([](Arrays a) { a.y[1] = a.arena[0]; }) == "infer: the output 'y' has nan at 1");
  CHECK(fault_of([](Arrays a) { a.y[1] = 1 / a.w[12]; }) ==
        "infer: the output 'y' is not finite");  // of padding
  CHECK(fault_of([](Arrays a) { a.y[2] = a.scratch[0]; }) == "infer: the output 'y' has nan at 2");
  CHECK(fault_of([](Arrays a) { a.y[0] = a.x[kSize]; }) == "infer: the output 'y' has nan at 0");
  CHECK(fault_of([](Arrays a) { a.y[0] = a.arena[0] == 0; }) ==
        "infer: the output 'y' differs from the ordinary run");
  CHECK(fault_of([](Arrays a) { a.w[3] = a.arena[0]; }) == "infer: 'w' has nan at 3");
  CHECK(fault_of([](Arrays a) { a.w[12] = 1; }) == "infer: 'w' has 1 in its padding, at 12");
}
