// A small model, compiled: its descriptor, its files, and that all of them are reproducible.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <llvm/Object/ELFObjectFile.h>

#include <array>
#include <cmath>
#include <cstring>
#include <map>

#include "compiler/layer_kernels.h"
#include "compiler/trainer.h"
#include "ir/text/text.h"
#include "passes/pipeline.h"
#include "runtime/contract/checksum.h"
#include "tests/unit/compiler/compiled.h"

namespace rnc::test {
namespace {

constexpr const char* kTiny = R"(
model tiny(image: u8[N, 1, 8, 8], label: i32[N]) {
  classes ["cat", "dog", "bird"]
  x = normalize(image, mean = [0.5], std = [0.25])
  conv = conv2d(x, 8, kernel = 3, pad = 1, bias = false)
  bn = batch_norm(conv)
  fc = linear(flatten(global_avg_pool(relu(bn))), 3)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(epochs = 2, lr = 0.05)
}
)";

// A compiled model and all that it was made of.
struct Tiny {
  explicit Tiny(const TargetRequest& request, const std::string& text = kTiny)
      : target(resolve_target(request)) {
    compilation.target = target.info;
    compilation.module = parse(std::make_shared<SourceFile>(SourceFile{"tiny.graph", text}));
    hash = graph_hash(compilation.module);
    layers = layers_of(compilation.module);
    run_passes(compilation, pipeline());
  }
  LoweredModel model() const {
    return {compilation.module, *compilation.program, target, hash, false, layers};
  }
  Target target;
  Compilation compilation;
  uint64_t hash = 0;
  std::vector<Layer> layers;
};

using Elf = llvm::object::ELFObjectFile<llvm::object::ELF64LE>;

Elf open_elf(const std::string& bytes) {
  auto file = Elf::create(llvm::MemoryBufferRef(bytes, "test"));
  REQUIRE(static_cast<bool>(file));
  return std::move(*file);
}

std::vector<std::string> undefined_symbols(const Elf& file) {
  std::vector<std::string> names;
  for (const auto& symbol : file.symbols()) {
    const auto flags = llvm::cantFail(symbol.getFlags());
    if (flags & llvm::object::SymbolRef::SF_Undefined)
      names.push_back(llvm::cantFail(symbol.getName()).str());
  }
  std::erase(names, "");
  return names;
}

}  // namespace

TEST_CASE("the descriptor says what the model says") {
  const Tiny tiny({});
  const Compiled compiled(tiny.model());
  const rn_model_descriptor& d = compiled.descriptor();
  CHECK(d.magic == RN_MAGIC);
  CHECK(d.version == RN_ABI_VERSION);
  CHECK(d.triple == tiny.target.triple);
  CHECK(d.cpu == tiny.target.cpu);
  CHECK(d.compiler == std::string("rnc " RNC_VERSION));
  CHECK(d.name == std::string("tiny"));
  CHECK(d.graph_hash == tiny.hash);
  CHECK(d.predict == std::string("fc"));
  REQUIRE(d.class_count == 3);
  CHECK(d.classes[1] == std::string("dog"));
  CHECK(d.optimizer == std::string("sgd"));
  REQUIRE(d.recipe.count == 2);
  CHECK(d.recipe.items[1].name == std::string("lr"));
  CHECK(d.recipe.items[1].text == std::string("0.05"));
  CHECK(d.recipe.items[1].number == 0.05);

  std::array<int64_t, RN_TENSOR_KINDS> end{};
  std::map<std::string, const rn_tensor*> tensors;
  for (int64_t i = 0; i < d.tensor_count; ++i) {
    const rn_tensor& tensor = d.tensors[i];
    tensors[tensor.name] = &tensor;
    CHECK(tensor.offset % RN_ALIGNMENT == 0);
    CHECK(tensor.offset >= end[static_cast<size_t>(tensor.kind)]);
    end[static_cast<size_t>(tensor.kind)] = tensor.offset + tensor.bytes;
  }
  for (size_t kind = 0; kind < RN_TENSOR_KINDS; ++kind) CHECK(d.region_bytes[kind] >= end[kind]);
  REQUIRE(tensors.contains("fc.weight"));
  const rn_tensor& weight = *tensors["fc.weight"];
  CHECK(weight.kind == RN_PARAMETER);
  CHECK(weight.type.rank == 2);
  CHECK(weight.type.dims[0] == 3);
  CHECK(weight.type.dims[1] == 8);
  CHECK(weight.initializer == std::string("kaiming_uniform"));
  CHECK(tensors.at("momentum.fc.weight")->kind == RN_SLOT);
  CHECK(tensors.at("bn.running_var")->kind == RN_BUFFER);

  std::map<std::string, const rn_entry*> entries;
  for (int64_t i = 0; i < d.entry_count; ++i) entries[d.entries[i].name] = &d.entries[i];
  REQUIRE(entries.contains("update"));
  const rn_entry& update = *entries["update"];
  CHECK(update.tensor_kinds == (1u << RN_PARAMETER | 1u << RN_SLOT | 1u << RN_GRADIENT));
  std::map<std::string, double> defaults;
  for (int64_t i = 0; i < update.input_count; ++i)
    defaults[update.inputs[i].name] = update.inputs[i].default_value;
  CHECK(defaults.at("lr") == 0.05);
  CHECK(defaults.at("momentum") == 0.9);
  const rn_entry& step = *entries.at("train_step");
  CHECK(step.role == RN_TRAIN_STEP);
  CHECK(entries.at("loss")->role == RN_EVALUATE);
  CHECK(entries.at("update")->role == RN_UPDATE);
  std::map<std::string, int> roles;
  for (int64_t i = 0; i < step.input_count; ++i) roles[step.inputs[i].name] = step.inputs[i].role;
  for (int64_t i = 0; i < step.output_count; ++i) roles[step.outputs[i].name] = step.outputs[i].role;
  CHECK(roles.at("image") == RN_SAMPLE);
  CHECK(roles.at("label") == RN_TARGET);
  CHECK(roles.at("lr") == RN_LEARNING_RATE);
  CHECK(roles.at("momentum") == RN_HYPER);
  CHECK(roles.at("fc") == RN_PREDICTION);
  CHECK(roles.at("loss") == RN_LOSS);
  const rn_entry& infer = *entries.at("infer");
  CHECK(infer.inputs[0].name == std::string("image"));
  CHECK(infer.inputs[0].type.dtype == RN_U8);
  CHECK(infer.inputs[0].type.dims[0] == -1);
  CHECK(std::isnan(infer.inputs[0].default_value));
  CHECK(infer.outputs[0].name == std::string("fc"));
  for (int64_t i = 0; i < infer.call_count; ++i) CHECK(std::strlen(infer.calls[i].kernel) > 0);
}

TEST_CASE("a batch norm that always takes its batch's statistics needs several values in every entry") {
  const Tiny tiny({}, R"(
model tiny(image: f32[N, 3, 4, 4]) {
  a = batch_norm(global_avg_pool(conv2d(image, 8, kernel = 1)), mode = "train")
  fc = linear(flatten(a), 7)
  predict fc
}
)");
  const Compiled compiled(tiny.model());
  const rn_model_descriptor& d = compiled.descriptor();
  for (int64_t i = 0; i < d.entry_count; ++i) {
    const rn_entry& entry = d.entries[i];
    const std::string name = entry.name;
    CAPTURE(name);
    CHECK(entry.min_batch == (name == "infer" ? 2 : 1));
  }
}

TEST_CASE("the descriptor tells which labels and which batches an entry takes") {
  const Tiny tiny({}, R"(
model tiny(image: f32[N, 3, 4, 4], label: i32[N], coarse: i32[N], share: f32[]) {
  a = batch_norm(conv2d(image, 8, kernel = 1))
  b = batch_norm(global_avg_pool(a))
  fc = linear(flatten(b), 7)
  groups = linear(flatten(b), 3)
  probabilities = softmax(groups)
  predict probabilities
  loss cross_entropy(fc, label) + share * cross_entropy(groups, coarse)
  train adam()
}
)");
  const Compiled compiled(tiny.model());
  const rn_model_descriptor& d = compiled.descriptor();
  for (int64_t i = 0; i < d.entry_count; ++i) {
    const rn_entry& entry = d.entries[i];
    const std::string name = entry.name;
    CAPTURE(name);
    const bool trains = name == "train_step" || name == "backward";
    CHECK(entry.min_batch == (trains ? 2 : 1));
    CHECK(entry.min_batch_layer == std::string(trains ? "b" : ""));
    for (int64_t k = 0; k < entry.input_count; ++k) {
      const std::string input = entry.inputs[k].name;
      CHECK(entry.inputs[k].classes == (input == "label" ? 7 : input == "coarse" ? 3 : 0));
      const bool number = input != "label" && input != "coarse" && input != "image" && input != "share";
      CHECK((entry.inputs[k].type.dtype == RN_F64) == number);
    }
  }
}

TEST_CASE("the descriptor tells the layers and the memory plan") {
  const Tiny tiny({});
  const Compiled compiled(tiny.model());
  const rn_model_descriptor& d = compiled.descriptor();
  std::string text;
  for (int64_t i = 0; i < d.layer_count; ++i) {
    const rn_layer& layer = d.layers[i];
    text += fmt::format("{}:{}:{}:{}:{}(", layer.name, layer.operation, layer.result, layer.parameters,
                        layer.multiply_adds);
    for (int64_t k = 0; k < layer.input_count; ++k)
      text += fmt::format("{}{}", k > 0 ? "," : "", d.layers[layer.inputs[k]].name);
    text += ")\n";
  }
  CHECK(text ==
        "image:input:u8[N, 1, 8, 8]:0:0()\n"
        "label:input:i32[N]:0:0()\n"
        "x:normalize:f32[N, 1, 8, 8]:0:0(image)\n"
        "conv:conv2d:f32[N, 8, 8, 8]:72:4608(x)\n"
        "bn:batch_norm:f32[N, 8, 8, 8]:16:0(conv)\n"
        "relu:relu:f32[N, 8, 8, 8]:0:0(bn)\n"
        "global_avg_pool:global_avg_pool:f32[N, 8, 1, 1]:0:0(relu)\n"
        "flatten:flatten:f32[N, 8]:0:0(global_avg_pool)\n"
        "fc:linear:f32[N, 3]:27:24(flatten)\n"
        "loss:cross_entropy:f32[]:0:0(fc,label)\n");

  CHECK(d.layers[3].text == std::string("conv : f32[N, 8, 8, 8] = conv2d(x, conv.weight, pad = 1)"));

  const rn_entry& step = *std::find_if(d.entries, d.entries + d.entry_count, [](const rn_entry& entry) {
    return entry.name == std::string("train_step");
  });
  REQUIRE(step.buffer_count > 0);
  const auto at = [](const rn_extent& e) { return e.fixed + 64 * e.per_sample; };
  int64_t end = 0;
  for (int64_t i = 0; i < step.buffer_count; ++i) {
    const rn_buffer& buffer = step.buffers[i];
    CHECK(0 <= buffer.first_call);
    CHECK(buffer.first_call <= buffer.last_call);
    CHECK(buffer.last_call < step.call_count);
    end = std::max(end, at(buffer.offset) + at(buffer.bytes));
  }
  CHECK(end <= std::max(at(step.arena[0]), at(step.arena[1])));
  CHECK(at(step.live_bound) <= std::max(at(step.arena[0]), at(step.arena[1])));
  CHECK(at(step.live_bound) > 0);
}

TEST_CASE("a library needs no other, whatever the CPU") {
  for (const char* cpu : {"x86-64", "x86-64-v3", "x86-64-v4"}) {
    CAPTURE(cpu);
    const std::string bytes = compile_to_shared_library(Tiny({"x86_64-pc-linux-gnu", cpu, ""}).model());
    const Elf file = open_elf(bytes);
    CHECK(undefined_symbols(file).empty());
    for (const auto& entry : llvm::cantFail(file.getELFFile().dynamicEntries()))
      CHECK(entry.d_tag != llvm::ELF::DT_NEEDED);
    std::vector<std::string> exported;
    for (const auto& symbol : file.getDynamicSymbolIterators()) {
      exported.push_back(llvm::cantFail(symbol.getName()).str());
    }
    CHECK(exported == std::vector<std::string>{RN_MODEL_SYMBOL});
  }
}

TEST_CASE("the same model compiles to the same bytes") {
  const Tiny a({"x86_64-pc-linux-gnu", "x86-64-v3", ""}), b({"x86_64-pc-linux-gnu", "x86-64-v3", ""});
  CHECK(compile_to_shared_library(a.model()) == compile_to_shared_library(b.model()));
  CHECK(compile_to_object(a.model()) == compile_to_object(b.model()));
  CHECK(compile_to_llvm(a.model()) == compile_to_llvm(b.model()));
}

TEST_CASE("an object file for aarch64 holds NEON code and needs nothing") {
  const Tiny tiny({"aarch64-linux-gnu", "native", ""});
  const std::string bytes = compile_to_object(tiny.model());
  const Elf file = open_elf(bytes);
  CHECK(file.getELFFile().getHeader().e_machine == llvm::ELF::EM_AARCH64);
  CHECK(undefined_symbols(file).empty());
  CHECK(compile_to_assembly(tiny.model()).find("fmla\tv") != std::string::npos);
}

TEST_CASE("assembly is one file: every private label is defined once") {
  const std::string text = compile_to_assembly(Tiny({"x86_64-pc-linux-gnu", "x86-64-v3", ""}).model());
  std::map<std::string, int> labels;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.starts_with(".L") && line.find(':') != std::string::npos)
      ++labels[line.substr(0, line.find(':'))];
    at = end + 1;
  }
  CHECK(labels.size() > 10);
  for (const auto& [label, count] : labels) CHECK_MESSAGE(count == 1, label);
}

TEST_CASE("the graph's hash: neither target nor names of values matter, but structure and parameters do") {
  const uint64_t hash = Tiny({}).hash;
  const auto with = [](std::string_view what, std::string_view other) {
    std::string text = kTiny;
    text.replace(text.find(what), what.size(), other);
    return graph_hash(parse(std::make_shared<SourceFile>(SourceFile{"tiny.graph", text})));
  };
  CHECK(Tiny({"aarch64-linux-gnu", "native", ""}).hash == hash);
  CHECK(with("epochs = 2", "epochs = 3") == hash);
  CHECK(with("pad = 1", "pad = 2") != hash);
  CHECK(with("conv2d(x, 8,", "conv2d(x, 9,") != hash);
  CHECK(with("mean = [0.5]", "mean = [0.4]") != hash);
  CHECK(with("  x =", "  freeze \"conv\"\n  x =") != hash);
  Module dumped = parse(std::make_shared<SourceFile>(SourceFile{"tiny.graph", kTiny}));
  dumped.hash = "00000000000001af";
  CHECK(graph_hash(dumped) == 0x1af);
}

TEST_CASE("-g names kernels after layers and points into the .graph file") {
  const Tiny tiny({"x86_64-pc-linux-gnu", "x86-64", ""});
  const loops::Program program = kernels_by_layer(*tiny.compilation.program);
  for (const loops::EntryProgram& entry : program.entries) {
    for (const loops::Call& call : entry.calls) {
      if (call.label.empty()) continue;
      const std::string& name = program.kernels.at(static_cast<size_t>(call.kernel)).name;
      CHECK_MESSAGE(name.starts_with(call.label + "."), name);
    }
  }
  const LoweredModel model{tiny.compilation.module, program, tiny.target, tiny.hash, true};
  const std::string assembly = compile_to_assembly(model);
  CHECK(assembly.find("\"tiny.graph\"") != std::string::npos);
  // The convolution is on line 5 of the text above.
  const size_t kernel = assembly.find("\nconv.conv_3x3");
  REQUIRE(kernel != std::string::npos);
  CHECK(assembly.find("\t.loc\t0 5 ", kernel) != std::string::npos);
  CHECK(open_elf(compile_to_shared_library(model)).getELFFile().getHeader().e_type == llvm::ELF::ET_DYN);
}

TEST_CASE("a trainer is rnrun, the library and a trailer that finds it") {
  const std::string rnrun = "#!program", library = "library";
  const std::string bytes = make_trainer(rnrun, library);
  CHECK(bytes.starts_with(rnrun));
  rn_trailer trailer;
  REQUIRE(bytes.size() > sizeof trailer);
  std::memcpy(&trailer, bytes.data() + bytes.size() - sizeof trailer, sizeof trailer);
  CHECK(std::memcmp(trailer.magic, RN_TRAILER_MAGIC, sizeof trailer.magic) == 0);
  CHECK(bytes.substr(trailer.offset, trailer.size) == library);
  CHECK(trailer.offset + trailer.size + sizeof trailer == bytes.size());
  const std::string before = bytes.substr(0, bytes.size() - sizeof trailer);
  CHECK(trailer.checksum == contract::trailer_checksum(std::as_bytes(std::span(before)), trailer));
}

}  // namespace rnc::test
