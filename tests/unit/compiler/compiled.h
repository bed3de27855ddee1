// A program compiled in process to a shared library, loaded and run: for tests of code generation.
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "compiler/code.h"
#include "compiler/output.h"
#include "ir/graph/diagnostics.h"
#include "runtime/contract/abi.h"

namespace rnc::test {

// The CPUs whose code the machine running the tests can execute, from the baseline up.
inline std::vector<std::string> runnable_cpus() {
  std::vector<std::string> cpus{"x86-64"};
  if (__builtin_cpu_supports("x86-64-v3")) cpus.emplace_back("x86-64-v3");
  if (__builtin_cpu_supports("x86-64-v4")) cpus.emplace_back("x86-64-v4");
  cpus.emplace_back("native");
  return cpus;
}

inline Target target_of(const std::string& cpu, bool bf16 = false) {
  return resolve_target({"", cpu, "", bf16});
}

// A shared library in a temporary file, open as long as this lives.
class Compiled {
 public:
  explicit Compiled(const LoweredModel& model) : Compiled(compile_to_shared_library(model)) {}
  // Of the library's bytes.
  explicit Compiled(const std::string& library) {
    std::string path = (std::filesystem::temp_directory_path() / "rnc-test-XXXXXX").string();
    check(mkdtemp(path.data()) != nullptr, "no temporary directory");
    const std::string file = path + "/model.so";
    write_file(file, library);
    handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    const char* error = handle_ ? nullptr : dlerror();
    std::filesystem::remove_all(path);
    check(handle_ != nullptr, error ? error : "");
    descriptor_ = static_cast<const rn_model_descriptor*>(dlsym(handle_, RN_MODEL_SYMBOL));
    check(descriptor_ != nullptr, "no " RN_MODEL_SYMBOL);
  }
  ~Compiled() { dlclose(handle_); }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  const rn_model_descriptor& descriptor() const { return *descriptor_; }

 private:
  void* handle_ = nullptr;
  const rn_model_descriptor* descriptor_ = nullptr;
};

// Zeroed memory aligned as entries want it.
class AlignedMemory {
 public:
  explicit AlignedMemory(int64_t bytes)
      : data_(std::aligned_alloc(RN_ALIGNMENT,
                                 static_cast<size_t>(bytes + RN_ALIGNMENT) / RN_ALIGNMENT * RN_ALIGNMENT)) {
    std::fill_n(static_cast<char*>(data_), bytes, '\0');
  }
  ~AlignedMemory() { std::free(data_); }
  AlignedMemory(const AlignedMemory&) = delete;
  AlignedMemory& operator=(const AlignedMemory&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
};

// A parallel_for that runs tasks one by one from the last to the first, on one worker.
inline void run_backwards(void*, int64_t, int64_t count, rn_task task, const void* frame) {
  for (int64_t i = count; i-- > 0;) task(frame, i, i + 1, 0);
}

}  // namespace rnc::test
