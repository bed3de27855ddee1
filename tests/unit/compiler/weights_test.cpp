// rnc --weights: reading and fitting files of weights. What the library then computes: tests/run.
#include "compiler/weights.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "compiler/output.h"
#include "ir/graph/diagnostics.h"
#include "ir/text/text.h"

namespace rnc {
namespace {

// A file that goes away with it.
class File {
 public:
  explicit File(const std::string& bytes) {
    path_ = (std::filesystem::temp_directory_path() / ("rnc-weights-" + std::to_string(getpid()))).string();
    write_file(path_, bytes);
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

template <class T = float>
std::string safetensors(const std::string& header, const std::vector<T>& data = {}) {
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes += header;
  return bytes + std::string(reinterpret_cast<const char*>(data.data()), data.size() * sizeof(T));
}

// What reading these bytes ends in, the file's name written as FILE.
std::string error_of(const std::string& bytes) {
  const File file(bytes);
  try {
    read_weights(file.path());
  } catch (const UserError& error) {
    std::string text = error.diagnostic().message;
    return "FILE" + text.substr(file.path().size());
  }
  return "no error";
}

Module linear() {
  return parse(std::make_shared<SourceFile>(
      SourceFile{"m.graph", "model m(x: f32[N, 3]) {\n  fc = linear(x, 2)\n  predict fc\n}\n"}));
}

std::string misfit(const Weights& weights) {
  try {
    fitting_weights(linear(), weights);
  } catch (const UserError& error) {
    return error.diagnostic().message;
  }
  return "no error";
}

// A file of zeros.
using Shapes = std::map<std::string, std::pair<contract::DType, Shape>>;
Weights zeros(const Shapes& shapes) {
  static const std::vector<std::byte> bytes(1000);
  Weights weights{"w.safetensors", nullptr, {}};
  for (const auto& [name, type] : shapes) {
    const auto size = static_cast<size_t>(elements_per_sample(type.second) * contract::bytes(type.first));
    weights.file.tensors[name] = {type.first, type.second, std::span(bytes).first(size)};
  }
  return weights;
}

}  // namespace

TEST_CASE("weights are read from safetensors, other types of floats as f32") {
  const std::string names = R"({"__metadata__":{"a":"b"},)"
                            R"("fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)";
  const File file(
      safetensors<uint16_t>(names + R"("fc.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[8,20]}})",
                            {0, 0x3fc0, 0, 0xc000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x3555}));
  const FittingWeights fitting = fitting_weights(linear(), read_weights(file.path()));
  CHECK(fitting.tensors.at("fc.bias").values == std::vector<double>{1.5, -2});
  CHECK(fitting.tensors.at("fc.weight").shape == Shape{2, 3});
  CHECK(fitting.tensors.at("fc.weight").values ==
        std::vector<double>{1, -2, 65504, 0x1p-24, -0.0, 0.333251953125});
  CHECK(contract::conversions_text(fitting.converted) == "1 tensor of f16 was converted to f32");
}

TEST_CASE("a file that is no safetensors, or has what is not known, is refused by name") {
  CHECK(error_of("short") == "FILE: not a valid safetensors file: only 5 bytes long");
  CHECK(error_of(safetensors(R"({"w":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})",
                             std::vector<float>{1})) ==
        "FILE: tensor 'w' has dtype F8_E4M3, which is not known here");
  CHECK_THROWS_AS(read_weights("/nowhere/w"), UserError);
}

TEST_CASE("weights have to fit the model; what belongs to training is passed over") {
  using contract::DType;
  Shapes shapes = {{"fc.weight", {DType::f32, {2, 3}}},
                   {"fc.bias", {DType::bf16, {2}}},
                   {"momentum.fc.bias", {DType::f32, {2}}},
                   {"ema.fc.weight", {DType::f32, {2, 3}}},
                   {"bn.num_batches_tracked", {DType::i64, {}}}};
  CHECK(fitting_weights(linear(), zeros(shapes)).tensors.size() == 2);
  Weights averaged = zeros(shapes);
  const std::vector<float> ones(6, 1);
  averaged.file.tensors["ema.fc.weight"].data = std::as_bytes(std::span(ones));
  CHECK(fitting_weights(linear(), averaged).tensors.at("fc.weight").values[0] == 0);
  averaged.file.metadata["format"] = "rnrun checkpoint 2";
  CHECK(fitting_weights(linear(), averaged).tensors.at("fc.weight").values[0] == 1);
  shapes["fc.bias"].first = DType::i64;
  CHECK(misfit(zeros(shapes)) ==
        "w.safetensors does not fit the model m: 'fc.bias' is i64, which is not converted to f32");
  shapes["fc.weight"].second = {3, 2};
  shapes.erase("fc.bias");
  shapes.erase("momentum.fc.bias");
  shapes["fc2.bias"] = {DType::f32, {2}};
  CHECK(misfit(zeros(shapes)) ==
        "w.safetensors does not fit the model m: 'fc.weight' is [3, 2], the model has [2, 3]; 'fc.bias' is "
        "missing; 'fc2.bias' is not of this model");
}

}  // namespace rnc
