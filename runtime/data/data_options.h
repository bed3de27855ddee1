// What is asked of a data set.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/degrade.h"
#include "runtime/data/sample.h"

namespace rnrun {

// Where decoded images are kept: not at all; in memory, as many as fit into a part of it; or in a file (disk_cache.h).
enum class CacheImages { no, ram, disk };

// What the model that will see the images needs, and how they are read.
struct DataOptions {
  std::vector<Field> fields;
  // The names of classes in the order of their labels, as far as they are known; may be empty.
  std::vector<std::string> class_names;
  std::string named_by = "the model";  // for messages: whose names these are
  // Folders that are called otherwise are an error. If not, and all are called otherwise, their names are the
  // names of the classes.
  bool names_fixed = false;
  // Training images of another size than the model's may stay so, for a transformation that wants all of them.
  bool keep_size = false;
  // Decode every image file once at the beginning, and leave out those that are damaged.
  bool skip_corrupt = false;
  // Turn and mirror image files as their EXIF data say.
  bool exif_transpose = false;
  // Added to each label that has a range: -1 for labels that count from 1.
  int64_t label_offset = 0;
  // The share of the training samples that is kept for validation (split.h), and the seed of which those are. 0: none, the
  // data have a split for that.
  double val_split = 0;
  uint64_t seed = 0;
  // Of samples that are made of their targets (degrade.h).
  Degradation degradation;
  CacheImages cache_images = CacheImages::ram;
  std::string cache_directory;         // of CacheImages::disk
  std::optional<int64_t> cache_bytes;  // of CacheImages::ram; by default a quarter of the available memory

  bool has(std::string_view name) const;
  // The field of this name; Error if the model takes none, as data of this kind cannot be what it wants then.
  const Field& field(std::string_view name) const;
};

// Adds the options' offset to the labels of samples 0, 1, ... and checks their range: see check_range. Fields without a
// range stay as they are.
void place_labels(const Field& field, std::span<int32_t> labels, const DataOptions& options,
                  const std::string& path);

}  // namespace rnrun
