// Finds the data set that a user means, and opens it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/data/dataset.h"

namespace rnrun {

// What the model that will see the images needs.
struct DataOptions {
  ImageShape shape;
  int64_t classes = 0;
  // The names of classes in the order of their labels, as far as they are known; may be empty.
  std::vector<std::string> class_names;
  std::string named_by = "the model";  // for messages: whose names these are
  // Folders that are called otherwise are an error. If not, and all are called otherwise, their names are the
  // names of the classes.
  bool names_fixed = false;
  // Training images of another size than `shape` may stay so, for a transformation that wants all of them.
  bool keep_size = false;
  // Decode every image file once at the beginning, and leave out those that are damaged.
  bool skip_corrupt = false;
};

enum class Split { train, test };

// Where Debian's package dataset-fashion-mnist puts its files.
inline constexpr const char* kFashionMnist = "/usr/share/datasets/fashion-mnist";

// What --data takes, for --help.
std::string data_help();

// `where` is a path, and the kind of data is what is found there:
//   idx       train-images-idx3-ubyte[.gz], t10k-..., and their labels
//   cifar10   data_batch_1.bin, ..., test_batch.bin
//   cifar100  train.bin, test.bin
//   folder    {train,val}/<class>/*.{jpg,jpeg,png}; test/ where there is no val/
//   tensors   {train,val}.safetensors, test.safetensors where there is no val; or one file, for any split
// "<kind>:<path>" takes that kind; "shapes" stands for generated images. Labels are below options.classes.
// Throws Error "no data set in <path>: ...", or naming what is wrong with a file.
std::unique_ptr<const Dataset> open_split(const std::string& where, Split split, const DataOptions& options);
// Both splits; `train` is there, `test` only if the data have it. Where the training images name the classes,
// those to test have the same.
DataSplits open_data(const std::string& where, const DataOptions& options);

}  // namespace rnrun
