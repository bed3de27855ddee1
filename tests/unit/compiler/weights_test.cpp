// rnc --weights: reading and fitting files of weights. What the library then computes: tests/run.
#include "compiler/weights.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "compiler/output.h"
#include "ir/diagnostics.h"
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

std::string safetensors(const std::string& header, const std::vector<float>& data = {}) {
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes += header;
  return bytes + std::string(reinterpret_cast<const char*>(data.data()), data.size() * sizeof(float));
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

std::string misfit(const Tensors& weights) {
  try {
    fitting_weights(linear(), weights, "w.safetensors");
  } catch (const UserError& error) {
    return error.diagnostic().message;
  }
  return "no error";
}

TensorData zeros(const Shape& shape) {
  return {shape, std::vector<double>(static_cast<size_t>(elements_per_sample(shape)))};
}

}  // namespace

TEST_CASE("weights are read from safetensors") {
  const File file(safetensors(R"({"__metadata__":{"a":"b"},)"
                              R"("w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                              R"("n":{"dtype":"I64","shape":[],"data_offsets":[8,16]}})",
                              {1.5F, -2, 0, 0}));
  const Tensors tensors = read_weights(file.path());
  REQUIRE(tensors.size() == 1);
  CHECK(tensors.at("w").shape == Shape{2, 1});
  CHECK(tensors.at("w").values == std::vector<double>{1.5, -2});
}

TEST_CASE("files that are no safetensors are refused") {
  const std::string start = "FILE: not a valid safetensors file: ";
  CHECK(error_of("short") == start + "it is too short");
  CHECK(error_of(std::string(9, '\xff')) == start + "its header is longer than it");
  CHECK(error_of(safetensors("{,}")) == start + "its header is not JSON");
  CHECK(error_of(safetensors("[1]")) == start + "its header is not an object");
  CHECK(error_of(safetensors(R"({"w":3})")) == start + "tensor 'w' has no dtype");
  CHECK(error_of(safetensors(R"({"w":{"dtype":"F32"}})")) == start + "tensor 'w' has no shape");
  CHECK(error_of(safetensors(R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})")) ==
        start + "shape of tensor 'w' is no list of sizes");
  for (const char* entry : {R"("shape":[2],"data_offsets":[0,4])", R"("shape":[2],"data_offsets":[0,8])",
                            R"("shape":[1],"data_offsets":[4,0])", R"("shape":[1],"data_offsets":[0])",
                            R"("shape":[4611686018427387904,4],"data_offsets":[0,4])"}) {
    CAPTURE(entry);
    CHECK(error_of(safetensors(std::string(R"({"w":{"dtype":"F32",)") + entry + "}}", {1})) ==
          start + "the data of tensor 'w' do not fit its shape");
  }
  CHECK_THROWS_AS(read_weights("/nowhere/w"), UserError);
}

TEST_CASE("weights have to fit the model; what belongs to training is passed over") {
  Tensors weights = {{"fc.weight", zeros({2, 3})},
                     {"fc.bias", zeros({2})},
                     {"momentum.fc.bias", zeros({2})},
                     {"ema.fc.weight", zeros({2, 3})},
                     {"bn.num_batches_tracked", zeros({})}};
  CHECK(fitting_weights(linear(), weights, "w").size() == 2);
  weights["fc.weight"] = zeros({3, 2});
  weights.erase("fc.bias");
  weights.erase("momentum.fc.bias");
  weights["fc2.bias"] = zeros({2});
  CHECK(misfit(weights) ==
        "w.safetensors does not fit the model m: 'fc.weight' is [3, 2], the model has [2, 3]; 'fc.bias' is "
        "missing; 'fc2.bias' is not of this model");
}

}  // namespace rnc
