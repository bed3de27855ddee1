// Samples to train on and to test with.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/data/degrade.h"
#include "runtime/data/sample.h"
#include "runtime/support/random.h"

namespace rnrun {

// Constant after construction; `read` may be called by several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  // At least 1, and less than 2^32.
  virtual int64_t size() const = 0;
  // The size of the data that this is a part of (split.h).
  virtual int64_t whole_size() const { return size(); }
  // What the samples are, for messages: "images of 1x28x28", "JPEG and PNG images in 10 folders".
  virtual std::string description() const = 0;
  // What each sample has, by name.
  virtual std::vector<std::string> fields() const = 0;
  // Sets `sample`, a tensor for each of fields(); its memory is used again. Throws BadImage when a picture cannot be
  // decoded.
  virtual void read(int64_t index, Sample& sample) const = 0;
  // The same where part of a sample is drawn at random. By default nothing is.
  virtual void read(int64_t index, Random /*random*/, Sample& sample) const { read(index, sample); }
  // Whether a sample's pictures are of different things, each to be changed at random by itself (companions.h).
  virtual bool pictures_are_apart() const { return false; }
  // Of every sample the one number, i32, that it has at this place in fields(). By default all samples are read for it.
  // Throws Error where it is something else.
  virtual std::vector<int32_t> numbers(size_t field) const;
  // Throws BadImage when the sample cannot be read; quick where that is known.
  virtual void check(int64_t) const {}
  // The names of the classes in the order of their numbers, where the data say them; else none.
  virtual std::vector<std::string> class_names() const { return {}; }
  // Samples of the same number are of one kind, and a part taken by random has as large a share of each kind; empty: all
  // are of one.
  virtual std::vector<int32_t> strata() const { return {}; }
  // The targets are all that there is of pictures, and samples are to be made of them so.
  virtual std::optional<Degradation> degradation() const { return std::nullopt; }
  // What a user should know of the data, a line each: files that were passed over, ...
  virtual std::vector<std::string> notes() const { return {}; }
  // What is wrong with the images that were left out (subset.h).
  virtual std::vector<std::string> left_out() const { return {}; }
};

// Where in a sample of `data` each of the fields is. Throws Error "the images have no 'mask', i32[28, 28]; they have
// image, label".
std::vector<size_t> places_of(const std::vector<Field>& fields, const Dataset& data);

// Either may be missing.
struct DataSplits {
  std::unique_ptr<const Dataset> train;
  std::unique_ptr<const Dataset> test;
};

}  // namespace rnrun
