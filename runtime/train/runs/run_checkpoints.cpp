#include "runtime/train/runs/run_checkpoints.h"

#include <filesystem>

namespace rnrun {

namespace {

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

std::string last_checkpoint(const std::string& directory) {
  return directory + "/checkpoint-last.safetensors";
}

std::string best_checkpoint(const std::string& directory) {
  return directory + "/checkpoint-best.safetensors";
}

std::string checkpoint_to_resume(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? last_checkpoint(path) : path;
}

std::string checkpoint_to_use(const std::string& directory) {
  for (const std::string& path : {best_checkpoint(directory), last_checkpoint(directory)})
    if (exists(path)) return path;
  return {};
}

}  // namespace rnrun
