#include "runtime/model/session.h"

#include <doctest/doctest.h>

#include <cmath>

#include "runtime/support/random.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

Arrays random_batch(int64_t batch) {
  Arrays arrays;
  Random random(1, 1);
  Array& image = arrays["image"] = Array::zeros(DType::u8, {batch, 1, 28, 28});
  for (uint8_t& v : image.as<uint8_t>()) v = static_cast<uint8_t>(random.next());
  Array& label = arrays["label"] = Array::zeros(DType::i32, {batch});
  for (int32_t& v : label.as<int32_t>()) v = static_cast<int32_t>(random.below(10));
  return arrays;
}

}  // namespace

TEST_CASE("entries run on arrays, in any number of threads with the same result") {
  const auto model = Model::load(model_path("linear"));
  Arrays first;
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    Session session(model, pool);
    session.initialize(1);
    Arrays batch = random_batch(13);
    batch["lr"] = Array::scalar(0.1f);
    for (int step = 1; step <= 3; ++step) {
      batch["step"] = Array::scalar(static_cast<float>(step));
      session.call("train_step", batch);
    }
    const Arrays trained = session.tensors({RN_PARAMETER, RN_BUFFER, RN_SLOT});
    CHECK(trained.size() == 5);
    if (threads == 1) first = trained;
    CHECK(trained == first);
  }
}

TEST_CASE("forward, loss and gradients agree with the formulas") {
  ThreadPool pool(2);
  Session session(Model::load(model_path("linear")), pool);
  session.initialize(3);
  const Arrays batch = random_batch(4);
  const Arrays out = session.call("backward", batch);
  const Array weight = session.tensor(*session.model().find_tensor("fc.weight"));
  const Array bias = session.tensor(*session.model().find_tensor("fc.bias"));
  double loss = 0;
  for (size_t n = 0; n < 4; ++n) {
    double total = 0;
    double target = 0;
    for (size_t k = 0; k < 10; ++k) {
      double logit = bias.as<float>()[k];
      for (size_t i = 0; i < 784; ++i)
        logit += weight.as<float>()[k * 784 + i] * (batch.at("image").as<uint8_t>()[n * 784 + i] / 255.0);
      CHECK(out.at("fc").as<float>()[n * 10 + k] == doctest::Approx(logit).epsilon(1e-4));
      total += std::exp(logit);
      if (batch.at("label").as<int32_t>()[n] == static_cast<int32_t>(k)) target = logit;
    }
    loss += (std::log(total) - target) / 4;
  }
  CHECK(out.at("loss").as<float>()[0] == doctest::Approx(loss).epsilon(1e-5));
  // The bias's gradients sum to zero; the weights' are not all zero.
  double sum = 0;
  const Array gradient = session.tensor(*session.model().find_tensor("grad.fc.bias"));
  for (const float g : gradient.as<float>()) sum += g;
  CHECK(std::abs(sum) < 1e-6);

  // The evaluation entries read what `prepare` made of the parameters.
  session.call("prepare", {});
  CHECK(session.call("infer", {{"image", batch.at("image")}}).at("fc") == out.at("fc"));
  CHECK(session.call("loss", batch).at("loss") == out.at("loss"));
}

TEST_CASE("wrong inputs are named") {
  ThreadPool pool(1);
  Session session(Model::load(model_path("linear")), pool);
  const Arrays batch = random_batch(2);
  const auto message = [&](Arrays inputs) {
    return error_of([&] { session.call("train_step", inputs, "in.safetensors"); });
  };
  CHECK(message({}) ==
        "in.safetensors: nothing given for input 'image: u8[N, 1, 28, 28]' of entry 'train_step'");
  CHECK(message(batch) == "in.safetensors: nothing given for input 'lr: f64[]' of entry 'train_step'");
  Arrays extra = batch;
  extra["lr"] = extra["step"] = extra["Lr"] = Array::scalar(1);
  CHECK(message(extra) == "in.safetensors: 'Lr' is no input of entry 'train_step'");
  Arrays shape = batch;
  shape["label"] = Array::zeros(DType::i32, {3});
  CHECK(message(shape) == "in.safetensors: i32[3] given for input 'label: i32[2]' of entry 'train_step'");
  shape["label"] = Array::zeros(DType::i64, {2});
  CHECK(message(shape) == "in.safetensors: i64[2] given for input 'label: i32[2]' of entry 'train_step'");
  shape["image"] = Array::zeros(DType::u8, {0, 1, 28, 28});
  CHECK(message(shape) ==
        "in.safetensors: u8[0, 1, 28, 28] given for input 'image: u8[1, 1, 28, 28]' of entry 'train_step'");
}

TEST_CASE("tensors of another model are refused as a whole, by name") {
  ThreadPool pool(1);
  Session session(Model::load(model_path("linear")), pool);
  session.initialize(1);
  const Arrays before = session.tensors({RN_PARAMETER, RN_BUFFER});
  Arrays other = before;
  other.erase("fc.bias");
  other["fc.bais"] = Array::scalar(1);
  other["fc.weight"] = Array::zeros(DType::f32, {12, 784});
  other["bn.num_batches_tracked"] = Array::zeros(DType::i64, {});
  CHECK(error_of([&] {
          session.set_tensors({RN_PARAMETER, RN_BUFFER}, other, "other.safetensors");
        }) ==
        "other.safetensors does not fit the model linear: 'fc.weight' is f32[12, 784], the model has f32[10, "
        "784]; "
        "'fc.bias' is missing; 'fc.bais' is not of this model");
  CHECK(session.tensors({RN_PARAMETER, RN_BUFFER}) == before);

  Arrays many = before;
  for (int i = 0; i < 7; ++i) many["extra" + std::to_string(i)] = Array::scalar(1);
  CHECK(error_of([&] {
          session.set_tensors({RN_PARAMETER, RN_BUFFER}, many, "f");
        }) ==
        "f does not fit the model linear: 'extra0' is not of this model; 'extra1' is not of this model; "
        "'extra2' is "
        "not of this model; 'extra3' is not of this model; 'extra4' is not of this model; and 2 more");
}

TEST_CASE("a run is profiled by kernel call, and traced by thread") {
  const TemporaryDirectory directory;
  ThreadPool pool(2);
  Session session(Model::load(model_path("linear")), pool);
  const Arrays batch = random_batch(8);
  const rn_entry& entry = session.model().entry("backward");
  AlignedBytes logits(8 * 10 * 4);
  AlignedBytes loss(4);
  const void* in[] = {batch.at("image").data.data(), batch.at("label").data.data()};
  void* out[] = {logits.data(), loss.data()};
  Profile profile;
  Trace trace(2);
  session.run(entry, 8, in, out, {&profile, &trace});
  REQUIRE(profile.seconds.size() == 2);
  CHECK(profile.seconds[0] > 0);
  CHECK(profile.seconds[1] > 0);
  trace.write(directory / "trace.json", entry, 8);
  CHECK(read_text(directory / "trace.json").find("\"name\":\"fc weight_grad\"") != std::string::npos);
}

TEST_CASE("a batch that cannot be held is refused") {
  ThreadPool pool(1);
  Session session(Model::load(model_path("linear")), pool);
  const rn_entry& entry = session.model().entry("loss");
  CHECK(error_of([&] { session.run(entry, int64_t{1} << 60, {}, {}); }) ==
        "cannot allocate the arena of entry 'loss' at batch 1152921504606846976: batch 1152921504606846976 "
        "is too "
        "large");
  const std::string message = error_of([&] { session.run(entry, int64_t{1} << 45, {}, {}); });
  CHECK(message.starts_with(
      "entry 'loss' at batch 35184372088832 needs 2097152.00 GiB, 64 B of it per image; "));
  session.reserve(entry, 10);
  CHECK(error_of([&] {
          session.reserve(entry, 11, {int64_t{1} << 60, 0});
        }).find(" are available, ") != std::string::npos);
}

}  // namespace rnrun
