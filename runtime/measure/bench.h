// Measures a model's training step or inference on generated inputs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/model/model.h"

namespace rnrun {

enum class BenchMode { train, infer };

struct BenchOptions {
  BenchMode mode = BenchMode::infer;
  int64_t batch = 1;
  int threads = 1;
  int64_t repeats = 0;  // timed runs; 0: as many as fit into three seconds, at least 5, at most 100
  std::map<std::string, double> inputs;  // scalars
  std::string trace;                     // file for a trace of one more run, or empty
};

// One kernel call, in the fastest run.
struct KernelTime {
  std::string layer;
  std::string direction;
  std::string algorithm;  // or ""
  std::string kernel;     // symbol
  double ms = 0;
  double gflops = 0;  // useful GFLOP/s, convolutions counted as direct
  double gbs = 0;     // GB/s, everything counted as read or written once
  double share = 0;   // of the time of a run
  // What the call takes at least: its own products at the FMA peak, or its bytes at the memory's bandwidth
  // (what is still in a cache may go below that).
  double limit_ms = 0;
  bool memory_bound = false;  // the bytes take longer
};

struct BenchResult {
  BenchOptions options;
  std::string precision;  // "f32" or "bf16": rn_model_descriptor
  int64_t runs = 0;
  double median_ms = 0;
  double min_ms = 0;
  double images_per_s = 0;  // at the median
  double fma_peak_gflops = 0;
  double memory_gbs = 0;  // main memory's bandwidth
  double limit_ms = 0;    // direct convolution's FLOPs at the FMA peak
  double ratio = 0;       // min_ms / limit_ms; 0 where the model has no such FLOPs
  int64_t peak_rss_bytes = 0;
  double kernels_ms = 0;            // all kernel calls of the fastest run
  std::vector<KernelTime> kernels;  // slowest first
};

// Entry train_step, or prepare once and then infer. Throws Error when the model has no such entry.
BenchResult bench(std::shared_ptr<const Model> model, const BenchOptions& options);
nlohmann::ordered_json to_json(const BenchResult& result);

}  // namespace rnrun
