// What a table of trainings says of one of them, read from its directory (run_directory.h).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace rnrun {

struct RunSummary {
  std::string directory;
  std::string model;
  std::string started;  // "2026-11-28 18:56:25 UTC"
  std::string state;    // "running", "finished", "interrupted"
  int64_t epochs = 0;   // asked for
  int64_t epochs_done = 0;
  // The line in metrics.jsonl of the epoch that was best by the task's first metric, in its evaluations or, without any,
  // in training; null if no epoch has ended.
  nlohmann::ordered_json best;
  std::string figures;  // the same in words: figures and the epoch
  nlohmann::ordered_json
      settings;  // by name, those of the optimizer among them; nothing about program and machine
};

// Throws Error when the directory is not that of a training, or is damaged.
RunSummary read_summary(const std::string& directory);

// The directories of trainings in `directory`, which may be one itself, and below; also those in which only a
// checkpoint or metrics are left. Does not follow symbolic links. Throws Error when there is no such directory.
std::vector<std::string> find_runs(const std::string& directory);

// The names of settings that are not the same in all of `runs`, in the order in which they appear there.
std::vector<std::string> differing_settings(const std::vector<RunSummary>& runs);

}  // namespace rnrun
