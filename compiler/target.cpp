#include "compiler/target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/Support/TargetSelect.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>

#include "compiler/llvm_compat.h"
#include "ir/graph/diagnostics.h"

namespace rnc {
namespace {

// x86 features that f32 and f64 vector code gains from. Others that a CPU has are not used, so that the code runs
// without them.
constexpr std::array kX86Features = {"sse3", "ssse3",   "sse4.1",   "sse4.2",   "avx",     "avx2",
                                     "fma",  "avx512f", "avx512bw", "avx512dq", "avx512vl"};

// The same of code for bf16 alone.
constexpr const char* kBf16Feature = "avx512bf16";

[[noreturn]] void fail(std::string message) { throw UserError(SourceLocation{}, std::move(message)); }

void initialize_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
  });
}

struct FeatureChange {
  bool enable;
  std::string name;
};

std::vector<FeatureChange> parse_features(const std::string& text) {
  std::vector<FeatureChange> changes;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    begin = end + 1;
    if (item.size() < 2 || (item[0] != '+' && item[0] != '-')) {
      fail(fmt::format("target feature '{}' must be '+NAME' or '-NAME'", item));
    }
    changes.push_back({item[0] == '+', item.substr(1)});
  }
  return changes;
}

// The features of the machine rnc runs on, which may be fewer than its CPU model has.
std::string host_features() {
  std::vector<std::string> features;
  for (const auto& feature : llvm::sys::getHostCPUFeatures()) {
    features.push_back(fmt::format("{}{}", feature.second ? '+' : '-', feature.first().str()));
  }
  std::sort(features.begin(), features.end());
  return fmt::format("{}", fmt::join(features, ","));
}

void check_cpu(const llvm::MCSubtargetInfo& known, const std::string& cpu, const std::string& triple) {
  if (known.isCPUStringValid(cpu)) return;
  fail(fmt::format("unknown target CPU '{}' for {}", cpu, triple));
}

void check_features(const llvm::MCSubtargetInfo& known, const std::vector<FeatureChange>& changes,
                    const std::string& triple) {
  for (const FeatureChange& change : changes) {
    const auto all = known.getAllProcessorFeatures();
    const bool found =
        std::any_of(all.begin(), all.end(), [&](const auto& feature) { return change.name == feature.Key; });
    if (!found) fail(fmt::format("unknown target feature '{}' for {}", change.name, triple));
  }
}

// Data caches of one core. LLVM has no such table; these are the CPUs' published sizes.
void set_caches(TargetInfo& info, const std::string& cpu) {
  if (cpu == "znver5") info.l1_bytes = 48 << 10;
  if (cpu == "znver4" || cpu == "znver5" || cpu == "x86-64-v4") info.l2_bytes = 1 << 20;
  if (cpu == "sapphirerapids" || cpu == "emeraldrapids" || cpu == "graniterapids") {
    info.l1_bytes = 48 << 10;
    info.l2_bytes = 2 << 20;
  }
}

std::optional<ObjectFormat> format_of(const llvm::Triple& triple) {
  if (triple.isOSBinFormatELF()) return ObjectFormat::elf;
  if (triple.isOSBinFormatCOFF()) return ObjectFormat::coff;
  if (triple.isOSBinFormatMachO()) return ObjectFormat::mach_o;
  return std::nullopt;
}

TargetInfo describe(const Target& target, bool x86) {
  TargetInfo info;
  info.vector_bytes = !x86 ? 16 : target.has("avx512f") ? 64 : target.has("avx") ? 32 : 16;
  info.vector_registers = !x86 || target.has("avx512f") ? 32 : 16;
  info.fma = !x86 || target.has("fma");
  info.dot_pairs = x86 && info.vector_bytes == 64 && target.has(kBf16Feature);
  set_caches(info, target.cpu);
  return info;
}

}  // namespace

std::string Target::feature_string() const {
  return features.empty() ? "" : fmt::format("+{}", fmt::join(features, ",+"));
}

bool Target::has(std::string_view feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

Target Target::without_features() const {
  Target target = *this;
  target.cpu = baseline;
  target.features.clear();
  target.info = describe(target, llvm::Triple(triple).getArch() == llvm::Triple::x86_64);
  return target;
}

std::vector<Target> resolve_targets(const TargetRequest& request) {
  std::vector<Target> targets;
  for (size_t begin = 0; begin <= request.cpu.size();) {
    const size_t end = std::min(request.cpu.find(',', begin), request.cpu.size());
    TargetRequest one = request;
    one.cpu = request.cpu.substr(begin, end - begin);
    begin = end + 1;
    Target target = resolve_target(one);
    if (std::ranges::count(targets, target.cpu, &Target::cpu) > 0)
      fail(fmt::format("target CPU '{}' is named twice in {}", target.cpu, request.cpu));
    targets.push_back(std::move(target));
  }
  std::ranges::stable_sort(targets, std::greater(), [](const Target& target) {
    return std::pair(target.info.vector_bytes, target.features.size());
  });
  return targets;
}

Target resolve_target(const TargetRequest& request) {
  initialize_llvm();
  Target target;
  target.triple =
      llvm::Triple::normalize(request.triple.empty() ? llvm::sys::getProcessTriple() : request.triple);
  const llvm::Triple triple(target.triple);
  const bool x86 = triple.getArch() == llvm::Triple::x86_64;
  const auto format = format_of(triple);
  if ((!x86 && triple.getArch() != llvm::Triple::aarch64) || !format) {
    fail(
        fmt::format("target triple '{}' is not supported: rnc makes ELF, COFF and Mach-O code for x86_64 and "
                    "aarch64",
                    request.triple));
  }
  target.format = *format;
  std::string error;
  const llvm::Target* llvm_target = find_llvm_target(target.triple, error);
  check(llvm_target != nullptr, error);

  const bool native = request.cpu == "native";
  const bool foreign = triple.getArch() != llvm::Triple(llvm::sys::getProcessTriple()).getArch();
  target.baseline = x86 ? "x86-64" : "generic";
  target.cpu = !native ? request.cpu : foreign ? target.baseline : llvm::sys::getHostCPUName().str();

  const auto known = new_subtarget_info(*llvm_target, target.triple, target.baseline, "");
  check_cpu(*known, target.cpu, target.triple);
  const std::vector<FeatureChange> changes = parse_features(request.features);
  check_features(*known, changes, target.triple);

  const std::string all = fmt::format("{},{}", native && !foreign ? host_features() : "", request.features);
  const auto chosen = new_subtarget_info(*llvm_target, target.triple, target.cpu, all);
  if (x86) {
    for (const char* feature : kX86Features) {
      if (chosen->checkFeatures(fmt::format("+{}", feature))) target.features.emplace_back(feature);
    }
    if (request.bf16 && chosen->checkFeatures(fmt::format("+{}", kBf16Feature)))
      target.features.emplace_back(kBf16Feature);
  }
  for (const FeatureChange& change : changes) {
    const bool has = chosen->checkFeatures(fmt::format("+{}", change.name));
    if (has && !target.has(change.name)) target.features.push_back(change.name);
  }
  std::sort(target.features.begin(), target.features.end());
  target.info = describe(target, x86);
  return target;
}

std::unique_ptr<llvm::TargetMachine> make_target_machine(const Target& target) {
  initialize_llvm();
  std::string error;
  const llvm::Target* llvm_target = find_llvm_target(target.triple, error);
  check(llvm_target != nullptr, error);
  llvm::TargetOptions options;
  return new_target_machine(*llvm_target, target.triple, target.baseline, target.feature_string(), options);
}

}  // namespace rnc
