// Finds the data set that a user means, and opens it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/data/data_options.h"
#include "runtime/data/dataset.h"

namespace rnrun {

enum class Split { train, test };

// Where Debian's package dataset-fashion-mnist puts its files.
inline constexpr const char* kFashionMnist = "/usr/share/datasets/fashion-mnist";

// What --data takes, for --help.
std::string data_help();

// `where` is a path, and the kind of data is what is found there:
//   idx       train-images-idx3-ubyte[.gz], t10k-..., and their labels
//   cifar10   data_batch_1.bin, ..., test_batch.bin
//   cifar100  train.bin, test.bin
//   pairs     {train,val}/images and masks, or input and target: see paired_folder.h; test/ where there is no val/
//   tensors   {train,val}.safetensors, test.safetensors where there is no val; or one file, for any split
//   list      {train,val}.csv, test.csv where there is no val; or one file, for any split
//   folder    {train,val}/<class>/** of images, test/ where there is no val/; or <class>/**, all of it to train
// "<kind>:<path>" takes that kind; "shapes" stands for generated images. The data have options.fields, in range.
// With options.val_split a part of what is to train is what to test, whatever else there is (split.h). Throws Error "no data
// set in <path>: ...", or naming what is wrong with a file.
std::unique_ptr<const Dataset> open_split(const std::string& where, Split split, const DataOptions& options);
// Both splits; `train` is there, `test` only if the data have it. Where the training images name the classes,
// those to test have the same. Throws Error where class folders are in no folder for a split, and no val_split is given.
DataSplits open_data(const std::string& where, const DataOptions& options);
// Whether the data have images to test of their own. Throws Error when there are no data.
bool has_own_test(const std::string& where);

}  // namespace rnrun
