// The machine that code is generated for: what --target-triple, --target-cpu and --target-features mean.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "passes/target.h"

namespace llvm {
class TargetMachine;
}

namespace rnc {

// As given on the command line.
struct TargetRequest {
  std::string triple;          // empty: this machine's
  std::string cpu = "native";  // an LLVM CPU name: "native", "x86-64-v3", "znver5", ...; several, by comma
  std::string features;        // LLVM's syntax, added to the CPU's own: "+fma,-avx512f"
  bool bf16 = false;           // code for values in bf16 uses the CPU's instructions for them, too
};

// Linux has ELF files, Windows COFF, macOS Mach-O.
enum class ObjectFormat { elf, coff, mach_o };

// A resolved target. Code uses only `features` on top of the architecture's baseline (SSE2 on x86-64, NEON on
// aarch64), however many more the CPU has, so that the model runs wherever those exist; the CPU's name only
// tunes scheduling.
struct Target {
  std::string triple;
  ObjectFormat format = ObjectFormat::elf;
  std::string cpu;                    // for tuning; "native" resolved
  std::string baseline;               // LLVM's CPU name for the architecture's baseline
  std::vector<std::string> features;  // LLVM's names, sorted; all that code may use beyond the baseline
  TargetInfo info;

  // "+avx,+avx2": the form LLVM takes.
  std::string feature_string() const;
  bool has(std::string_view feature) const;
  // What every CPU of the architecture runs.
  Target without_features() const;
};

// Of a request for one CPU. Throws UserError (without a place) for a triple, CPU or feature that rnc or LLVM does not
// know.
Target resolve_target(const TargetRequest&);

// Of a request for any number of CPUs, which are all different, best first: those with wider vectors, then those with
// more features, then as they were named. Throws as above, also where a CPU is named twice.
std::vector<Target> resolve_targets(const TargetRequest&);

// For position-independent code. Not to be shared between threads.
std::unique_ptr<llvm::TargetMachine> make_target_machine(const Target&);

}  // namespace rnc
