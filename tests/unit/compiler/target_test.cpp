#include "compiler/target.h"

#include <doctest/doctest.h>

#include "ir/graph/diagnostics.h"

namespace rnc {
namespace {

constexpr const char* kLinux = "x86_64-pc-linux-gnu";

std::string refused_target(const TargetRequest& request) {
  try {
    resolve_target(request);
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a target's features are those of its CPU that code makes use of") {
  const Target baseline = resolve_target({kLinux, "x86-64", ""});
  CHECK(baseline.features.empty());
  CHECK(baseline.info.lanes(DType::f32) == 4);
  CHECK(baseline.info.vector_registers == 16);
  CHECK(!baseline.info.fma);

  const Target v3 = resolve_target({kLinux, "x86-64-v3", ""});
  CHECK(v3.feature_string() == "+avx,+avx2,+fma,+sse3,+sse4.1,+sse4.2,+ssse3");
  CHECK(v3.info.lanes(DType::f32) == 8);
  CHECK(v3.info.vector_registers == 16);
  CHECK(v3.info.fma);

  const Target zen5 = resolve_target({kLinux, "znver5", ""});
  CHECK(zen5.has("avx512f"));
  CHECK(zen5.info.lanes(DType::f32) == 16);
  CHECK(zen5.info.vector_registers == 32);
  CHECK(zen5.info.l1_bytes == 48 << 10);
  CHECK(zen5.info.l2_bytes == 1 << 20);

  const Target arm = resolve_target({"aarch64-linux-gnu", "native", ""});
  CHECK(arm.cpu == "generic");
  CHECK(arm.info.lanes(DType::f32) == 4);
  CHECK(arm.info.vector_registers == 32);
  CHECK(arm.info.fma);
}

TEST_CASE("--target-features adds to the CPU's features and takes away, with all that depends on them") {
  CHECK(resolve_target({kLinux, "znver5", ""}).format == ObjectFormat::elf);
  CHECK(resolve_target({"x86_64-pc-windows-msvc", "znver5", ""}).format == ObjectFormat::coff);
  CHECK(resolve_target({"arm64-apple-macosx11.0", "apple-m1", ""}).format == ObjectFormat::mach_o);
  const Target without = resolve_target({kLinux, "znver5", "-avx512f"});
  CHECK(without.feature_string() == "+avx,+avx2,+fma,+sse3,+sse4.1,+sse4.2,+ssse3");
  const Target with = resolve_target({kLinux, "x86-64", "+avx2,+fma"});
  CHECK(with.info.lanes(DType::f32) == 8);
  CHECK(with.info.fma);
  CHECK(resolve_target({kLinux, "znver5", "+avx512bf16"}).has("avx512bf16"));
  CHECK(!resolve_target({kLinux, "znver5", "+avx512bf16,-avx512bf16"}).has("avx512bf16"));
}

TEST_CASE("several CPUs come best first: wider vectors, more features, then as they were named") {
  const auto order = [](const std::string& cpus, const std::string& features = "") {
    std::string names;
    for (const Target& target : resolve_targets({kLinux, cpus, features})) names += target.cpu + " ";
    return names;
  };
  CHECK(order("x86-64-v3") == "x86-64-v3 ");
  CHECK(order("x86-64,x86-64-v3,znver5,x86-64-v2,x86-64-v4") ==
        "znver5 x86-64-v4 x86-64-v3 x86-64-v2 x86-64 ");
  CHECK(order("x86-64-v4,znver5") == "x86-64-v4 znver5 ");
  CHECK(order("x86-64,sandybridge,haswell", "-avx2") == "haswell sandybridge x86-64 ");
  const auto message = [&](const std::string& cpus) {
    try {
      return order(cpus);
    } catch (const UserError& error) {
      return error.diagnostic().message;
    }
  };
  CHECK(message("x86-64-v3,x86-64,x86-64-v3") ==
        "target CPU 'x86-64-v3' is named twice in x86-64-v3,x86-64,x86-64-v3");
  CHECK(message("x86-64,z80") == "unknown target CPU 'z80' for x86_64-pc-linux-gnu");
  CHECK(message("x86-64,") == "unknown target CPU '' for x86_64-pc-linux-gnu");
}

TEST_CASE("unknown targets are refused") {
  for (const std::string triple : {"arm-linux-gnueabi", "wasm64", "nonsense"})
    CHECK(refused_target({triple, "native", ""}) ==
          "target triple '" + triple +
              "' is not supported: rnc makes ELF, COFF and Mach-O code for x86_64 and aarch64");
  CHECK(refused_target({kLinux, "z80", ""}) == "unknown target CPU 'z80' for x86_64-pc-linux-gnu");
  CHECK(refused_target({kLinux, "x86-64", "+warp"}) ==
        "unknown target feature 'warp' for x86_64-pc-linux-gnu");
  CHECK(refused_target({kLinux, "x86-64", "avx2"}) == "target feature 'avx2' must be '+NAME' or '-NAME'");
  CHECK(refused_target({kLinux, "x86-64", "+avx,,+avx2"}) == "target feature '' must be '+NAME' or '-NAME'");
}

}  // namespace rnc
