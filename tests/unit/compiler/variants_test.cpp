// A model for several CPUs: what is in its descriptors, what is there once, and what is refused.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <llvm/Object/ELFObjectFile.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "compiler/compile.h"
#include "ir/graph/diagnostics.h"
#include "runtime/contract/safetensors.h"
#include "tests/unit/compiler/compiled.h"

namespace rnc::test {
namespace {

constexpr const char* kTinyNet = R"(
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
constexpr const char* kThree = "x86-64,x86-64-v4,x86-64-v3";

Request request_for(const std::string& cpus, Emit emit = Emit::shared) {
  Request request;
  request.source = std::make_shared<const SourceFile>(SourceFile{"tiny.graph", kTinyNet});
  request.target = {"x86_64-pc-linux-gnu", cpus, ""};
  request.emit = emit;
  return request;
}

std::string bytes_for(const std::string& cpus, Emit emit = Emit::shared) {
  return compile(request_for(cpus, emit)).bytes;
}

std::string refused(const Request& request) {
  try {
    compile(request);
  } catch (const UsageError& error) {
    return error.message;
  }
  return "accepted";
}

std::span<const rn_tensor> tensors(const rn_model_descriptor& d) {
  return {d.tensors, static_cast<size_t>(d.tensor_count)};
}

}  // namespace

TEST_CASE("a library for several CPUs has a descriptor for each, and what they have in common once") {
  const Compiled compiled(bytes_for(kThree));
  const rn_model_descriptor& last = compiled.descriptor();
  REQUIRE(last.variant_count == 3);
  const std::span variants(last.variants, 3);
  CHECK(variants[0]->cpu == std::string("x86-64-v4"));
  CHECK(variants[1]->cpu == std::string("x86-64-v3"));
  CHECK(variants[2] == &last);
  CHECK(last.cpu == std::string("x86-64"));
  CHECK(last.features == std::string());
  CHECK(variants[1]->features == std::string("avx,avx2,fma,sse3,sse4.1,sse4.2,ssse3"));
  for (const rn_model_descriptor* d : variants) {
    CAPTURE(d->cpu);
    CHECK(d->magic == RN_MAGIC);
    CHECK(d->version == RN_ABI_VERSION);
    CHECK(d->variants == last.variants);
    CHECK(d->variant_count == 3);
    CHECK(d->graph_hash == last.graph_hash);
    CHECK(d->layers == last.layers);
    CHECK(d->classes == last.classes);
    CHECK(d->recipe.items == last.recipe.items);
    CHECK(d->name == last.name);
    REQUIRE(d->entry_count == last.entry_count);
    for (int64_t e = 0; e < d->entry_count; ++e) {
      CHECK(d->entries[e].name == last.entries[e].name);
      CHECK(d->entries[e].inputs == last.entries[e].inputs);
      CHECK((d->entries[e].run != last.entries[e].run) == (d != &last));
    }
  }
}

TEST_CASE("a library for several CPUs needs no other, exports rn_model, and is smaller than those of one") {
  const std::string fat = bytes_for(kThree);
  const auto file = llvm::cantFail(
      llvm::object::ELFObjectFile<llvm::object::ELF64LE>::create(llvm::MemoryBufferRef(fat, "fat")));
  std::vector<std::string> exported;
  for (const auto& symbol : file.getDynamicSymbolIterators())
    exported.push_back(llvm::cantFail(symbol.getName()).str());
  CHECK(exported == std::vector<std::string>{RN_MODEL_SYMBOL});
  for (const auto& entry : llvm::cantFail(file.getELFFile().dynamicEntries()))
    CHECK(entry.d_tag != llvm::ELF::DT_NEEDED);
  CHECK(fat == bytes_for("x86-64-v3,x86-64,x86-64-v4"));
  size_t sum = 0, objects = 0;
  for (const char* cpu : {"x86-64", "x86-64-v3", "x86-64-v4"}) {
    sum += bytes_for(cpu).size();
    objects += bytes_for(cpu, Emit::object).size();
  }
  CHECK(fat.size() < sum);
  CHECK(bytes_for(kThree, Emit::object).size() < objects);
}

TEST_CASE("weights in a library for several CPUs are there once, row-major, and nothing has to be prepared") {
  std::vector<float> data(200);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i) / 64;
  contract::Safetensors file;
  const auto add = [&](const std::string& name, const Shape& shape) {
    const auto count = static_cast<size_t>(elements_per_sample(shape));
    file.tensors[name] = {contract::DType::f32, shape, std::as_bytes(std::span(data).subspan(1, count))};
  };
  add("conv.weight", {8, 1, 3, 3});
  for (const char* name : {"bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}) add(name, {8});
  add("fc.weight", {3, 8});
  add("fc.bias", {3});
  const contract::SafetensorsImage image(file);
  std::string bytes;
  for (const std::span<const std::byte> part : image.parts())
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("rnc-{}.safetensors", getpid())).string();
  write_file(path, bytes);
  Request request = request_for(kThree);
  request.weights = path;
  const std::string library = compile(request).bytes;
  std::filesystem::remove(path);

  const Compiled compiled(library);
  const rn_model_descriptor& last = compiled.descriptor();
  for (const rn_model_descriptor* d : std::span(last.variants, 3)) {
    CAPTURE(d->cpu);
    REQUIRE(d->entry_count == 1);
    CHECK(d->entries[0].role == RN_INFER);
    CHECK(d->entries[0].tensor_kinds == 1u << RN_PREPARED);
    REQUIRE(d->tensor_count == last.tensor_count);
    for (int64_t i = 0; i < d->tensor_count; ++i) {
      const rn_tensor& tensor = d->tensors[i];
      CHECK(tensor.name == last.tensors[i].name);
      CHECK(tensor.kind == RN_PREPARED);
      CHECK(tensor.of == -1);
      CHECK(tensor.values != nullptr);
      CHECK(tensor.values == last.tensors[i].values);
    }
    // fc is what was given; the convolution has its batch norm in it.
    const auto fc = std::ranges::find(tensors(*d), std::string_view("fc.bias"), &rn_tensor::name);
    REQUIRE(fc != tensors(*d).end());
    CHECK(std::memcmp(fc->values, &data[1], 3 * sizeof(float)) == 0);
  }
}

TEST_CASE("what is of one CPU is refused for several, what is of none is not") {
  for (const Emit emit : {Emit::summary, Emit::loops, Emit::memory, Emit::llvm, Emit::assembly, Emit::graph})
    CHECK(refused(request_for(kThree, emit)) ==
          std::string("--target-cpu=") + kThree +
              ": only a library, an object file or a trainer is for several CPUs; name one");
  Request dumped = request_for(kThree);
  dumped.dumps.print_after = {"cse"};
  CHECK(refused(dumped) ==
        std::string("--target-cpu=") + kThree + ": --print-after and --dump-dir are for one CPU; name one");
  Request as_read = request_for(kThree, Emit::graph);
  as_read.passes = "derive_entries,cse";
  Request of_one = request_for("x86-64", Emit::graph);
  of_one.passes = as_read.passes;
  CHECK(compile(as_read).bytes == compile(of_one).bytes);
  CHECK(bytes_for(kThree, Emit::dot) == bytes_for("x86-64", Emit::dot));
}

TEST_CASE("what passes did and decided is said for each CPU") {
  const Artifact artifact = compile(request_for("x86-64,x86-64-v3"));
  const auto count = [&](const std::string& pass) {
    return std::ranges::count(artifact.passes, pass, &PassReport::pass);
  };
  CHECK(count("cse") == 1);
  CHECK(count("choose_layout") == 0);
  CHECK(count("choose_layout for x86-64") == 1);
  CHECK(count("choose_layout for x86-64-v3") == 1);
  REQUIRE(!artifact.remarks.empty());
  CHECK(artifact.remarks.front().text.starts_with("for x86-64-v3: conv"));
  CHECK(std::ranges::any_of(artifact.frames,
                            [](const KernelFrame& frame) { return frame.kernel.ends_with(".x86-64-v3"); }));
}

TEST_CASE(
    "object files for Windows and macOS define rn_model and need nothing but what says that floats are "
    "used") {
  for (const std::string triple :
       {"x86_64-pc-windows-msvc", "x86_64-w64-windows-gnu", "aarch64-pc-windows-msvc",
        "x86_64-apple-macosx11.0", "arm64-apple-macosx11.0"}) {
    CAPTURE(triple);
    const bool x86 = triple.starts_with("x86_64"), windows = triple.find("windows") != std::string::npos;
    Request request = request_for(x86 ? kThree : "native", Emit::object);
    request.target.triple = triple;
    const std::string bytes = compile(request).bytes;
    const auto file =
        llvm::cantFail(llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(bytes, "test")));
    CHECK(file->isCOFF() == windows);
    CHECK(file->isMachO() == !windows);
    CHECK(file->getArch() == (x86 ? llvm::Triple::x86_64 : llvm::Triple::aarch64));
    bool has_model = false;
    for (const auto& symbol : file->symbols()) {
      const std::string name = llvm::cantFail(symbol.getName()).str();
      const uint32_t flags = llvm::cantFail(symbol.getFlags());
      CAPTURE(name);
      if (flags & llvm::object::SymbolRef::SF_Undefined)
        CHECK(name == "_fltused");
      else if (name == (windows ? "rn_model" : "_rn_model"))
        has_model = (flags & llvm::object::SymbolRef::SF_Global) != 0;
      else if (flags & llvm::object::SymbolRef::SF_Global)
        CHECK(name.starts_with("__"));  // constants that all of a program's objects share
    }
    CHECK(has_model);
    request.emit = Emit::shared;
    CHECK(refused(request) == "for " + resolve_targets(request.target).front().triple +
                                  " rnc makes object files (-o NAME.o), which the linker there takes; no "
                                  "libraries and no trainers");
    request.target.cpu = "native";
    request.emit = Emit::assembly;
    CHECK(compile(request).bytes.find("rn_model") != std::string::npos);
    request.link_name = "first";
    const std::string named = compile(request).bytes;
    CHECK(named.find("first_model") != std::string::npos);
    CHECK(named.find("rn_model") == std::string::npos);
  }
}

}  // namespace rnc::test
