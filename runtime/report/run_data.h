// What a run's directory tells, collected for a report:
//   name         of the directory
//   config       config.json: settings and versions
//   epochs       metrics.jsonl: an object per epoch
//   steps        steps.jsonl: {step, progress (in epochs), loss, the task's first metric, lr} averaged over some steps each
//   gradients    gradients.jsonl: {tensors: [names], records: [{step, epoch, total, norms: [per tensor]}]}
//   task         {name, metrics: [{key, name, title, share, larger_is_better}]}: how its figures are called; the first
//                says which epoch is the best
//   classes      [names]
//   network      [{name, operation, result, text, inputs: [indices], parameters, multiply_adds,
//                  weight: shape or null}]
//   memory       {entry, batch, arena, bound, buffers: [[name, bytes, offset, first call, last call]],
//                 calls: [names]}
//   kernels      {entry, batch, step_ms, calls: [{layer, direction, algorithm, kernel, ms, gflops}]}, or null
//   evaluation   what the task's Findings report, or null; of classification {epoch, samples,
//                confusion: [[label, predicted, count]], mistakes: [{index, label, predicted, confidence, image,
//                map: where the network looked, if it is known}]}
// The last six are in report.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace rnrun {

// Of a long training, evenly chosen steps and gradients. Throws Error when the directory is not that of a run
// or a file in it is damaged.
nlohmann::ordered_json read_run(const std::string& directory);

}  // namespace rnrun
