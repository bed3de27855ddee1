#include "runtime/measure/bench.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>

#include "runtime/measure/fma_peak.h"
#include "runtime/measure/memory_bandwidth.h"
#include "runtime/model/bound_entry.h"
#include "runtime/model/layout.h"
#include "runtime/model/session.h"
#include "runtime/support/random.h"

namespace rnrun {

namespace {

constexpr double kSeconds = 3;
constexpr int64_t kFewest = 5;
constexpr int64_t kMost = 100;
constexpr int kWarmUps = 2;

// Random pixels, numbers below the number of classes, scalars that train gently.
void generate_inputs(BoundEntry& bound, int64_t batch) {
  Random random(1, stream_of("bench"));
  for (const rn_value& v : inputs(bound.entry())) {
    if (v.type.rank == 0) {
      if (std::isnan(bound.session().scalar(v)))
        bound.set_scalar(v.name, v.role == RN_STEP || v.role == RN_SEED ? 1 : 1e-3);
      continue;
    }
    const int64_t count = element_count(v.type, batch);
    const auto classes = static_cast<uint32_t>(std::max<int64_t>(v.classes, 1));
    for (int64_t i = 0; i < count; ++i) {
      switch (v.type.dtype) {
        case RN_U8:
          bound.input<uint8_t>(v.name)[i] = static_cast<uint8_t>(random.next());
          break;
        case RN_I32:
          bound.input<int32_t>(v.name)[i] = static_cast<int32_t>(random.below(classes));
          break;
        default:
          bound.input<float>(v.name)[i] = random.uniform();
          break;
      }
    }
  }
}

// `result` has the machine's figures and the fastest run's time.
std::vector<KernelTime> kernel_times(const rn_entry& entry, const Profile& profile,
                                     const BenchResult& result) {
  std::vector<KernelTime> times;
  for (int64_t i = 0; i < entry.call_count; ++i) {
    const rn_call_info& call = entry.calls[i];
    const CallWork work = work_of(call, result.options.batch);
    const double ms = 1e3 * profile.seconds[static_cast<size_t>(i)];
    const double compute_ms = work.operations / result.fma_peak_gflops / 1e6;
    const double memory_ms = work.bytes / result.memory_gbs / 1e6;
    times.push_back({.layer = call.layer,
                     .direction = call.direction,
                     .algorithm = std::string(work.algorithm),
                     .kernel = call.kernel,
                     .ms = ms,
                     .gflops = ms > 0 ? work.flops / ms / 1e6 : 0,
                     .gbs = ms > 0 ? work.bytes / ms / 1e6 : 0,
                     .share = ms / result.min_ms,
                     .limit_ms = std::max(compute_ms, memory_ms),
                     .memory_bound = memory_ms > compute_ms});
  }
  std::ranges::stable_sort(times, std::greater<>{}, &KernelTime::ms);
  return times;
}

int64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace

BenchResult bench(std::shared_ptr<const Model> model, const BenchOptions& options) {
  ThreadPool pool(options.threads);
  Session session(model, pool);
  session.initialize(0);
  for (const auto& [name, value] : options.inputs) session.set_scalar(name, value);
  const rn_entry_role role = options.mode == BenchMode::train ? RN_TRAIN_STEP : RN_INFER;
  BoundEntry bound(session, session.model().entry(role), options.batch);
  session.prepare_for(bound.entry());
  generate_inputs(bound, options.batch);

  BenchResult result;
  result.options = options;
  result.fma_peak_gflops = measure_fma_peak(pool, *model) / 1e9;
  for (int i = 0; i < kWarmUps; ++i) bound.run(options.batch);

  Profile fastest;
  std::vector<double> ms;
  const auto start = Clock::now();
  const auto enough = [&] {
    const auto done = static_cast<int64_t>(ms.size());
    if (options.repeats > 0) return done >= options.repeats;
    return done >= kMost || (done >= kFewest && seconds_between(start, Clock::now()) > kSeconds);
  };
  while (!enough()) {
    Profile profile;
    const auto begin = Clock::now();
    bound.run(options.batch, {&profile, nullptr});
    ms.push_back(1e3 * seconds_between(begin, Clock::now()));
    if (ms.back() == *std::ranges::min_element(ms)) fastest = profile;
  }
  // Again: about one measurement in ten finds all cores at half their speed, a moment later at full speed.
  result.fma_peak_gflops = std::max(result.fma_peak_gflops, measure_fma_peak(pool, *model) / 1e9);
  if (!options.trace.empty()) {
    Profile traced;
    Trace trace(options.threads);
    bound.run(options.batch, {&traced, &trace});
    trace.write(options.trace, bound.entry(), options.batch);
  }

  result.precision = model->descriptor().precision;
  std::ranges::sort(ms);
  result.runs = static_cast<int64_t>(ms.size());
  result.median_ms = (ms[(ms.size() - 1) / 2] + ms[ms.size() / 2]) / 2;
  result.min_ms = ms.front();
  result.images_per_s = 1e3 * static_cast<double>(options.batch) / result.median_ms;
  result.limit_ms =
      static_cast<double>(at(bound.entry().direct_flops, options.batch)) / result.fma_peak_gflops / 1e6;
  result.ratio = result.limit_ms > 0 ? result.min_ms / result.limit_ms : 0;
  result.peak_rss_bytes = peak_rss_bytes();  // before the arrays that measure the memory
  result.memory_gbs = measure_memory_bandwidth(pool) / 1e9;
  result.kernels = kernel_times(bound.entry(), fastest, result);
  for (const KernelTime& kernel : result.kernels) result.kernels_ms += kernel.ms;
  return result;
}

nlohmann::ordered_json to_json(const BenchResult& r) {
  using nlohmann::ordered_json;
  ordered_json kernels = ordered_json::array();
  for (const KernelTime& k : r.kernels)
    kernels.push_back({{"layer", k.layer},
                       {"direction", k.direction},
                       {"algorithm", k.algorithm},
                       {"kernel", k.kernel},
                       {"ms", k.ms},
                       {"gflops", k.gflops},
                       {"gbs", k.gbs},
                       {"share", k.share},
                       {"limit_ms", k.limit_ms},
                       {"limit", k.memory_bound ? "memory" : "compute"}});
  return {{"mode", r.options.mode == BenchMode::train ? "train" : "infer"},
          {"precision", r.precision},
          {"batch", r.options.batch},
          {"threads", r.options.threads},
          {"runs", r.runs},
          {"median_ms", r.median_ms},
          {"min_ms", r.min_ms},
          {"images_per_s", r.images_per_s},
          {"fma_peak_gflops", r.fma_peak_gflops},
          {"memory_gbs", r.memory_gbs},
          {"limit_ms", r.limit_ms},
          {"ratio", r.ratio},
          {"peak_rss_bytes", r.peak_rss_bytes},
          {"kernels_ms", r.kernels_ms},
          {"kernels", kernels}};
}

}  // namespace rnrun
