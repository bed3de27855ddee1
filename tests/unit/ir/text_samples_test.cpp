// The samples elaborate to the networks they claim to be, and survive their dumps.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "ir/text/text.h"

namespace rnc {
namespace {

Module load(const std::string& sample) {
  return parse(read_source(fmt::format("{}/samples/{}.graph", RNC_SOURCE_DIR, sample)));
}

int64_t elements(const Module& module, TensorKind kind) {
  int64_t count = 0;
  for (const Tensor& tensor : module.tensors) {
    if (tensor.kind == kind) count += elements_per_sample(tensor.type.shape);
  }
  return count;
}

std::vector<std::string> tensor_names(const Module& module) {
  std::vector<std::string> names;
  for (const Tensor& tensor : module.tensors) names.push_back(tensor.name);
  return names;
}

// torchvision's state_dict without num_batches_tracked, for a network of basic or bottleneck blocks.
std::vector<std::string> torchvision_names(const std::vector<int>& blocks, int convolutions) {
  std::vector<std::string> names;
  const auto batch_norm = [&](const std::string& name) {
    for (const char* part : {"weight", "bias", "running_mean", "running_var"}) {
      names.push_back(fmt::format("{}.{}", name, part));
    }
  };
  names.push_back("conv1.weight");
  batch_norm("bn1");
  for (size_t layer = 0; layer < blocks.size(); ++layer) {
    for (int block = 0; block < blocks[layer]; ++block) {
      const std::string scope = fmt::format("layer{}.{}", layer + 1, block);
      for (int i = 1; i <= convolutions; ++i) {
        names.push_back(fmt::format("{}.conv{}.weight", scope, i));
        batch_norm(fmt::format("{}.bn{}", scope, i));
      }
      if (block == 0 && (layer > 0 || convolutions == 3)) {
        names.push_back(scope + ".downsample.0.weight");
        batch_norm(scope + ".downsample.1");
      }
    }
  }
  names.push_back("fc.weight");
  names.push_back("fc.bias");
  return names;
}

}  // namespace

TEST_CASE("resnet18 has torchvision's parameters, names and initialisers") {
  const Module module = load("resnet18");
  CHECK(tensor_names(module) == torchvision_names({2, 2, 2, 2}, 2));
  CHECK(elements(module, TensorKind::parameter) == 11'689'512);
  CHECK(elements(module, TensorKind::buffer) == 9'600);
  CHECK(module.find_tensor("layer2.0.downsample.0.weight")->type.shape == Shape{128, 64, 1, 1});
  const Initializer& conv = module.find_tensor("layer3.1.conv2.weight")->initializer;
  CHECK(conv.name == "kaiming_normal");
  CHECK(conv.attributes.get<std::string>("mode") == "fan_out");
  const Initializer& fc = module.find_tensor("fc.weight")->initializer;
  CHECK(fc.name == "kaiming_uniform");
  CHECK(fc.attributes.get<double>("a") == doctest::Approx(2.2360679775));
  const Initializer& bias = module.find_tensor("fc.bias")->initializer;
  CHECK(bias.name == "uniform");
  CHECK(bias.attributes.get<double>("bound") == doctest::Approx(0.0441941738));  // 1 / sqrt(512)
  CHECK(module.optimizer.name == "sgd");
  CHECK(module.optimizer.hyper.get<double>("momentum") == 0.9);
  CHECK(module.optimizer.hyper.get<double>("weight_decay") == 1e-4);
  CHECK(module.predict == "fc");
}

TEST_CASE("resnet50 has torchvision's parameters and names") {
  const Module module = load("resnet50");
  CHECK(tensor_names(module) == torchvision_names({3, 4, 6, 3}, 3));
  CHECK(elements(module, TensorKind::parameter) == 25'557'032);
  CHECK(elements(module, TensorKind::buffer) == 53'120);
}

TEST_CASE("fashion_resnet18 is the network of Dive into Deep Learning") {
  const Module module = load("fashion_resnet18");
  CHECK(elements(module, TensorKind::parameter) == 11'178'378);
  CHECK(elements(module, TensorKind::buffer) == 7'808);
  CHECK(module.find_tensor("layer2.0.conv3.weight")->initializer.name == "xavier_uniform");
  CHECK(module.find_tensor("fc.weight")->initializer.name == "xavier_uniform");
  CHECK(module.classes.size() == 10);
  CHECK(std::get<int64_t>(module.recipe.at("epochs")) == 10);
  CHECK(std::get<int64_t>(module.recipe.at("batch_size")) == 256);
  CHECK(std::get<double>(module.recipe.at("lr")) == 0.05);
}

TEST_CASE("the small ResNet-20 has the size He et al. state") {
  CHECK(elements(load("cifar_resnet20"), TensorKind::parameter) == 272'474);  // 0.27 M
  CHECK(elements(load("fashion_resnet20"), TensorKind::parameter) == 272'186);
  CHECK(elements(load("cifar_resnet18"), TensorKind::parameter) == 11'173'962);
}

TEST_CASE("every sample survives its dump") {
  for (const char* sample :
       {"resnet18", "resnet50", "fashion_resnet18", "fashion_resnet20", "cifar_resnet18", "cifar_resnet20"}) {
    CAPTURE(sample);
    const Module module = load(sample);
    const std::string dump = print(module);
    const Module again = parse(std::make_shared<SourceFile>(SourceFile{"dump", dump}));
    CHECK(equal(module, again));
    CHECK(print(again) == dump);
  }
}

}  // namespace rnc
