// Damaged libraries and libraries of other machines: found from the bytes of their files, before they are
// loaded.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "compiler/code.h"
#include "compiler/output.h"
#include "ir/text/text.h"
#include "passes/pipeline.h"
#include "runtime/contract/elf_file.h"
#include "runtime/model/model.h"
#include "runtime/support/error.h"

namespace rnc::test {
namespace {

constexpr const char* kTiny = R"(
model tiny(image: u8[N, 1, 8, 8], label: i32[N]) {
  x = normalize(image, mean = [0.5], std = [0.25])
  conv = conv2d(x, 8, kernel = 3, pad = 1)
  fc = linear(flatten(global_avg_pool(relu(conv))), 3)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
}
)";

std::string library_for(const TargetRequest& request) {
  const Target target = resolve_target(request);
  Compilation compilation;
  compilation.target = target.info;
  compilation.module = parse(std::make_shared<SourceFile>(SourceFile{"tiny.graph", kTiny}));
  run_passes(compilation, pipeline());
  return compile_to_shared_library(
      LoweredModel{compilation.module, *compilation.program, target, 0, false, {}});
}

std::string foreign(std::string_view bytes) {
  return contract::foreign_library_fault(std::as_bytes(std::span(bytes)));
}
std::string fault(std::string_view bytes) { return contract::library_fault(std::as_bytes(std::span(bytes))); }

// What rnrun says of a file with these bytes; "" if it takes it.
std::string load(std::string_view bytes) {
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("rnc-damage-{}.so", getpid())).string();
  write_file(path, bytes);
  std::string message;
  try {
    rnrun::Model::load(path);
  } catch (const rnrun::Error& error) {
    message = error.what();
    CHECK_MESSAGE(message.starts_with(path + " is "), message);
  }
  std::filesystem::remove(path);
  return message;
}

}  // namespace

TEST_CASE("a library of any other length, or with any bit flipped, is refused before it is loaded") {
  const std::string good = library_for({});
  CHECK(load(good).empty());
  CHECK(fault(good).empty());
  CHECK(!fault(good + '\0').empty());
  std::mt19937 random(1);
  for (size_t length = 0; length < good.size(); length += length < 4096 ? 1 : 1 + random() % 61)
    CHECK_MESSAGE(!fault(std::string_view(good).substr(0, length)).empty(), length);
  std::string bad = good;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      if (at >= 1024 && bit != static_cast<int>(at % 8)) continue;  // headers and the note: every bit
      bad[at] = static_cast<char>(good[at] ^ 1 << bit);
      CHECK_MESSAGE(!fault(bad).empty(), at << ", bit " << bit);
    }
    bad[at] = good[at];
  }

  // The same by way of the file, as rnrun does it.
  for (int i = 0; i < 60; ++i) {
    CHECK(!load(std::string_view(good).substr(0, random() % good.size())).empty());
    bad = good;
    for (int flips = 0; flips < 3; ++flips) {
      const size_t at = random() % good.size();
      bad[at] = static_cast<char>(bad[at] ^ 1 << random() % 8);
    }
    if (bad != good) CHECK(!load(bad).empty());
  }
}

TEST_CASE("a library of another machine is called that") {
  const std::string here = resolve_target({}).triple;
  const bool x86 = here.starts_with("x86_64");
  const std::string other = library_for({.triple = x86 ? "aarch64-linux-gnu" : "x86_64-linux-gnu"});
  CHECK(fault(other).empty());
  CHECK(foreign(library_for({})).empty());
  CHECK(foreign(other) ==
        fmt::format(
            "was compiled for {}, this machine is {}: compile it with rnc's --target-triple for this one",
            x86 ? "aarch64" : "x86-64", x86 ? "x86-64" : "aarch64"));
}

}  // namespace rnc::test
