// Reads, decodes and augments the batches of an epoch on threads of its own, ahead of those that compute.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/data/augment/augment.h"
#include "runtime/data/augment/views.h"
#include "runtime/data/dataset.h"
#include "runtime/support/memory.h"

namespace rnrun {

// The samples of an epoch, and what is done to them.
struct LoaderPlan {
  std::vector<uint32_t> order;        // indices in the data set
  std::vector<uint32_t> repetitions;  // of each: see EpochOrder in sampler.h; empty: all 0
  int64_t batch_size = 1;
  std::vector<int64_t>
      batches;                // the size of each; empty: all are of batch_size, the last one may be smaller
  std::vector<Field> fields;  // what the model takes
  std::optional<Augmentation> augmentation;  // of pictures; nothing: as they are
  TestViews views = TestViews::one;  // without augmentation: sample i is view i of them, over and over
  uint64_t seed = 0;                 // of the augmentation, as is the epoch
  int64_t epoch = 0;
  // See mixture.h; 0: not so. With both, each batch has one of the two, at random.
  double mixup_alpha = 0;
  double cutmix_alpha = 0;
  bool mixes() const { return mixup_alpha > 0 || cutmix_alpha > 0; }
};

struct Batch {
  int64_t size = 0;
  // For each field the tensors of all samples, [size, ...], RN_ALIGNMENT-aligned.
  std::vector<const std::byte*> values;
  // A picture is a mixture: so much of one whose other fields are in `values`, the rest of one with those in `others`
  // (the pictures themselves are not in it a second time).
  double share = 1;
  std::vector<const std::byte*> others;

  template <class T>
  std::span<const T> as(size_t field, int64_t elements_each) const {
    return {reinterpret_cast<const T*>(values[field]), static_cast<size_t>(size * elements_each)};
  }
};

// With views, batches are of whole samples: batch_size is a multiple of their number.
// What the batches are depends on the data set and the plan alone, not on the number of threads.
class Loader {
 public:
  static constexpr size_t kMade = SIZE_MAX;  // the place of a field that is made of another

  // `data` must outlive it. Throws Error when they lack a field.
  Loader(const Dataset& data, LoaderPlan plan, int threads);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The next batch, valid until the next call; empty at the end. Throws what reading one of its images threw.
  Batch next();
  // Seconds that `next` waited so far.
  double waited() const { return waited_; }

 private:
  // One batch in use and two to come.
  static constexpr int64_t kSlots = 3;

  // A place for a batch.
  struct Slot {
    std::vector<Memory> values;  // by field
    std::vector<Memory> others;  // the same; empty where pictures are not mixed
    double share = 1;
    std::vector<std::exception_ptr> errors;  // of each sample
    int64_t left = 0;                        // samples to be read
    bool ready = false;
  };
  struct Range {
    int64_t batch = 0;
    int64_t begin = 0;
    int64_t end = 0;
  };

  int64_t count() const { return static_cast<int64_t>(plan_.order.size()); }
  int64_t batches() const { return static_cast<int64_t>(begins_.size()) - 1; }
  int64_t begin_of(int64_t batch) const { return begins_[static_cast<size_t>(batch)]; }
  int64_t size_of(int64_t batch) const { return begin_of(batch + 1) - begin_of(batch); }
  Slot& slot(int64_t batch) { return slots_[static_cast<size_t>(batch % kSlots)]; }
  void work();
  std::optional<Range> take(std::unique_lock<std::mutex>& lock);
  // The place of a sample: in a batch, the so manieth.
  struct Place {
    Slot& slot;
    int64_t index = 0;
  };
  void read(int64_t position, const Place& place, Sample& memory);
  void check_sizes() const;
  void check_maps(const Sample& sample, int64_t position) const;
  void prepare(SampleTensor& tensor, size_t field, int64_t position) const;
  void put(Sample& sample, int64_t position, const Place& place) const;
  void put(const SampleTensor& tensor, size_t field, int64_t position, const Place& place) const;
  Image changed(Image picture, const ImageShape& shape, int64_t position, size_t number) const;
  int64_t index(int64_t position) const { return plan_.order[static_cast<size_t>(position)]; }
  Random random(std::string_view purpose, int64_t position) const;
  std::string augmentation_of(size_t field) const;  // the purpose
  void finish(int64_t batch);

  const Dataset& data_;
  const LoaderPlan plan_;
  const std::vector<size_t> places_;   // of the fields in a sample
  const std::vector<int64_t> begins_;  // of each batch, and the end of the last
  std::vector<Slot> slots_;
  double waited_ = 0;

  std::mutex mutex_;  // for all below, and for Slot::left and ready
  std::condition_variable work_;
  std::condition_variable ready_;
  int64_t given_ = 0;     // samples given to threads,
  int64_t giving_ = 0;    // and the batch that the next one is of
  int64_t current_ = -1;  // the batch in use; the places of those before may be used again
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace rnrun
