// The files that `rnrun explain` writes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/data/image.h"
#include "runtime/measure/class_activation.h"
#include "runtime/task/findings.h"

namespace rnrun {

// Of one image.
struct Explanation {
  std::string name;
  Image picture;           // as the model sees it
  HeatMap map;             // as large as the picture
  int64_t place = 0;       // of what is explained among the numbers predicted,
  std::string place_name;  // and what that is called
  Answer answer;           // what is predicted
};

// Of all of them.
struct ExplanationsTitle {
  std::string model;
  std::string layer;
};

class Explanations {
 public:
  virtual ~Explanations() = default;
  virtual void add(Explanation explanation) = 0;
  // After at least one. Throws Error.
  virtual void write() = 0;
};

// Throws UsageError unless the name's end says what is to be written.
void check_explanations_name(const std::string& path);
// Throws UsageError where a file of this kind does not take so many images.
std::unique_ptr<Explanations> explanations_file(const std::string& path, ExplanationsTitle title,
                                                size_t images);

}  // namespace rnrun
