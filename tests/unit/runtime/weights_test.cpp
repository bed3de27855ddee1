#include "runtime/train/weights/weights.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "runtime/contract/safetensors.h"
#include "runtime/support/safetensors.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// A state_dict for the test model, as PyTorch would name it; every value is `value`.
TensorFile state_dict(float value) {
  TensorFile file;
  for (const auto& [name, shape] : {std::pair<const char*, std::vector<int64_t>>{"fc.weight", {10, 784}},
                                    {"fc.bias", {10}},
                                    {"first_pixel.mean", {}}}) {
    file.tensors[name] = Array::zeros(DType::f32, shape);
    for (float& v : file.tensors[name].as<float>()) v = value;
  }
  return file;
}

struct Fixture {
  TemporaryDirectory directory;
  ThreadPool pool{1};
  Session session{Model::load(model_path("linear")), pool};
  std::string path = directory / "w";

  WeightsMatch load(const TensorFile& file, WeightsOptions options = {}) {
    write_safetensors(path, file);
    return load_weights(path, session, options);
  }
  float value(std::string_view name) {
    return session.tensor(*session.model().find_tensor(name)).as<float>()[0];
  }
};

}  // namespace

TEST_CASE("a state_dict loads by name, batch norms' counters are no matter") {
  Fixture f;
  TensorFile file = state_dict(2);
  file.tensors["bn1.num_batches_tracked"] = Array::zeros(DType::i64, {});
  const WeightsMatch match = f.load(file);
  CHECK(match.loaded == 3);
  CHECK(weights_text("w", match) == "w: 3 of 3 tensors loaded");
  for (const char* name : {"fc.weight", "fc.bias", "first_pixel.mean"}) CHECK(f.value(name) == 2);
}

TEST_CASE("what does not fit is listed by name, and changes nothing") {
  Fixture f;
  TensorFile file = state_dict(2);
  file.tensors.erase("fc.bias");
  file.tensors.erase("first_pixel.mean");
  file.tensors["fc.weight"] = Array::zeros(DType::f32, {12, 784});
  file.tensors["head.weight"] = Array::zeros(DType::f32, {3});
  file.tensors["head.bias"] = Array::zeros(DType::f32, {3});
  const std::string differences =
      "\n  missing: fc.bias, first_pixel.mean\n  extra: head.bias, head.weight\n"
      "  misshapen: fc.weight: f32[12, 784], the model has f32[10, 784]";
  CHECK(error_of([&] { f.load(file); }) ==
        f.path +
            " does not fit the model linear (--partial loads the 0 tensors that do): it has weights for 12 "
            "classes, the model has 10" +
            differences);
  CHECK(error_of([&] { f.load(file, {.partial = true}); }) ==
        "no tensor of " + f.path + " fits the model linear:" + differences);
  CHECK(f.value("fc.weight") == 0);
}

TEST_CASE("what wrappers put before all names is left out, and only that") {
  Fixture f;
  const auto renamed = [](const std::string& prefix) {
    TensorFile file;
    for (const auto& [name, value] : state_dict(2).tensors) file.tensors[prefix + name] = value;
    return file;
  };
  for (const char* prefix : {"module.", "_orig_mod.module.", "state_dict.backbone.model."}) {
    const WeightsMatch match = f.load(renamed(prefix));
    CHECK(match.loaded == 3);
    CHECK(match.notes ==
          std::vector<std::string>{fmt::format("all names begin with \"{}\", which is left out", prefix)});
  }
  CHECK(f.load(state_dict(2)).notes.empty());
  CHECK(error_of([&] { f.load(renamed("other.")); }).find("extra: other.fc.bias") != std::string::npos);
  TensorFile some = renamed("module.");
  some.tensors["head"] = Array::scalar(1);
  CHECK(error_of([&] { f.load(some); }).find("extra: head, module.fc.bias") != std::string::npos);
}

TEST_CASE("f16, bf16 and f64 are converted to f32, other types refused by name") {
  Fixture f;
  TensorFile file = state_dict(2);
  file.tensors["fc.bias"] = Array::of<uint16_t>(DType::f16, {10}, std::vector<uint16_t>(10, 0x3e00));
  file.tensors["fc.weight"] =
      Array::of<uint16_t>(DType::bf16, {10, 784}, std::vector<uint16_t>(7840, 0xc0a0));
  file.tensors["first_pixel.mean"] = Array::scalar(DType::f64, 0.1);
  const WeightsMatch match = f.load(file);
  CHECK(match.loaded == 3);
  CHECK(contract::conversions_text(match.converted) ==
        "1 tensor of f64 and 1 of f16 and 1 of bf16 were converted to f32");
  CHECK(f.value("fc.bias") == 1.5F);
  CHECK(f.value("fc.weight") == -5);
  CHECK(f.value("first_pixel.mean") == 0.1F);

  file.tensors["first_pixel.mean"] = Array::scalar(DType::f64, 1e300);
  CHECK(error_of([&] { f.load(file); }) ==
        f.path + ": tensor 'first_pixel.mean' has 1e+300, which is beyond f32");
  CHECK(f.value("first_pixel.mean") == 0.1F);
  file.tensors["first_pixel.mean"] = Array::zeros(DType::i64, {});
  CHECK(error_of([&] { f.load(file); }) ==
        f.path +
            " does not fit the model linear (--partial loads the 2 tensors that do):\n  misshapen: "
            "first_pixel.mean: i64[], the model has f32[]");
}

TEST_CASE("a partial load sets what fits and counts it") {
  Fixture f;
  TensorFile file = state_dict(3);
  file.tensors["fc.weight"] = Array::zeros(DType::f32, {12, 784});
  file.tensors["extra"] = Array::scalar(1);
  const WeightsMatch match = f.load(file, {.partial = true});
  CHECK(match.loaded == 2);
  CHECK(weights_text("w", match) ==
        "w: 2 of 3 tensors loaded\n  extra: extra\n"
        "  misshapen: fc.weight: f32[12, 784], the model has f32[10, 784]");
  CHECK(f.value("fc.bias") == 3);
  CHECK(f.value("fc.weight") == 0);
}

TEST_CASE("of a checkpoint: the weights, averaged ones first, and the optimizer's state if wanted") {
  Fixture f;
  TensorFile file = state_dict(2);
  file.metadata["format"] = "rnrun checkpoint 1";
  for (const char* name : {"momentum.fc.weight", "momentum.fc.bias"}) {
    file.tensors[name] = file.tensors[std::string(name).substr(9)];
    for (float& v : file.tensors[name].as<float>()) v = 5;
  }
  CHECK(f.load(file).loaded == 3);
  CHECK(f.value("momentum.fc.bias") == 0);
  CHECK(f.load(file, {.slots = true}).loaded == 5);
  CHECK(f.value("momentum.fc.bias") == 5);

  for (const char* name : {"fc.weight", "fc.bias", "first_pixel.mean"}) {
    Array& average = file.tensors["ema." + std::string(name)] = file.tensors[name];
    for (float& v : average.as<float>()) v = 7;
  }
  CHECK(f.load(file).loaded == 3);
  CHECK(f.value("fc.weight") == 7);

  file.metadata["graph_hash"] = "00000000deadbeef";
  file.metadata["model"] = "other";
  CHECK(error_of([&] { f.load(file); }) ==
        f.path +
            " is a checkpoint of another model: other with graph hash 00000000deadbeef, not linear with "
            "000000000000123e; --partial takes its weights all the same");
  CHECK(f.load(file, {.partial = true}).loaded == 3);

  // In a file of someone else, nothing is known of these names.
  file.metadata.clear();
  CHECK(error_of([&] { f.load(file); }).find("\n  extra: ema.fc.bias, ema.fc.weight, ") != std::string::npos);
}

}  // namespace rnrun
