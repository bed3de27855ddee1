// The samples elaborate to the networks they claim to be, and survive their dumps.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>

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

TEST_CASE("every network has as many parameters as its authors' or torchvision's") {
  struct Sample {
    const char* name;
    int64_t parameters, buffers;
  };
  const Sample samples[] = {
      {"resnet34", 21'797'672, 17'024},
      {"resnet101", 44'549'160, 105'344},
      {"resnet152", 60'192'808, 151'424},
      {"resnext50_32x4d", 25'028'904, 68'224},
      {"wide_resnet50_2", 68'883'240, 68'224},
      {"resnet18_biased", 11'694'312, 9'600},
      {"resnet18_avg_pool4", 11'181'642, 9'600},
      {"plain18", 11'515'688, 7'808},
      {"plain34", 21'623'848, 15'232},
      {"cifar_resnet20", 269'722, 1'376},
      {"cifar_resnet32", 464'154, 2'272},
      {"cifar_resnet44", 658'586, 3'168},
      {"cifar_resnet56", 853'018, 4'064},
      {"cifar_resnet110", 1'727'962, 8'096},
      {"cifar_resnet20_b", 272'474, 1'568},
      {"cifar_resnet32_b", 466'906, 2'464},
      {"cifar_resnet44_b", 661'338, 3'360},
      {"cifar_resnet56_b", 855'770, 4'256},
      {"cifar_resnet110_b", 1'730'714, 8'288},
      {"cifar_plain20", 269'722, 1'376},
      {"cifar_plain56", 853'018, 4'064},
      {"fashion_resnet20", 272'186, 1'568},
      {"cifar_resnet18", 11'173'962, 9'600},
      {"cifar_resnet18_224", 11'173'962, 9'600},
      {"cifar_preact_resnet18", 11'172'170, 7'808},
      {"wrn_16_4", 2'748'890, 3'616},
  };
  for (const Sample& sample : samples) {
    CAPTURE(sample.name);
    const Module module = load(sample.name);
    CHECK(module.name == sample.name);
    CHECK(elements(module, TensorKind::parameter) == sample.parameters);
    CHECK(elements(module, TensorKind::buffer) == sample.buffers);
  }
}

TEST_CASE("the bottlenecks of resnext50_32x4d and wide_resnet50_2 are torchvision's") {
  const std::vector<std::string> names = torchvision_names({3, 4, 6, 3}, 3);
  const Module resnext = load("resnext50_32x4d"), wide = load("wide_resnet50_2");
  CHECK(tensor_names(resnext) == names);
  CHECK(resnext.find_tensor("layer1.0.conv2.weight")->type.shape == Shape{128, 4, 3, 3});
  CHECK(resnext.find_tensor("layer4.2.conv2.weight")->type.shape == Shape{1024, 32, 3, 3});
  CHECK(tensor_names(wide) == names);
  CHECK(wide.find_tensor("layer1.0.conv2.weight")->type.shape == Shape{128, 128, 3, 3});
}

TEST_CASE("cifar_resnet20 has the names of the networks that others have trained") {
  std::vector<std::string> names = torchvision_names({3, 3, 3}, 2);
  std::erase_if(names, [](const std::string& name) { return name.find("downsample") != std::string::npos; });
  for (std::string& name : names) {
    if (name.starts_with("fc.")) name = "linear." + name.substr(3);
  }
  CHECK(tensor_names(load("cifar_resnet20")) == names);
  CHECK(tensor_names(load("cifar_plain20")) == names);
}

TEST_CASE("every sample survives its dump") {
  size_t samples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(RNC_SOURCE_DIR "/samples")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".graph") continue;
    const auto source = read_source(entry.path().string());
    if (source->text.find("\nmodel ") == std::string::npos) continue;  // blocks for others to include
    CAPTURE(name);
    const Module module = parse(source);
    CHECK(module.name + ".graph" == name);
    const std::string dump = print(module);
    const Module again = parse(std::make_shared<SourceFile>(SourceFile{"dump", dump}));
    CHECK(equal(module, again));
    CHECK(print(again) == dump);
    ++samples;
  }
  CHECK(samples >= 29);
}

}  // namespace rnc
