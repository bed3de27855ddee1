// Which checkpoint of a run directory is meant where the directory is named.
#pragma once

#include <string>

namespace rnrun {

// Of the last epoch or interruption, and of the epoch with the best evaluation.
std::string last_checkpoint(const std::string& directory);
std::string best_checkpoint(const std::string& directory);

// To go on from: `path` itself if it is no directory, else the last checkpoint in it.
std::string checkpoint_to_resume(const std::string& path);
// To evaluate and to use: the best checkpoint of a run directory; the last one where no evaluation has made
// one. Empty where there is neither.
std::string checkpoint_to_use(const std::string& directory);

}  // namespace rnrun
