// Reads, decodes and augments the batches of an epoch on threads of its own, ahead of those that compute.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/data/augment.h"
#include "runtime/data/dataset.h"
#include "runtime/support/memory.h"

namespace rnrun {

// The samples of an epoch, and what is done to them.
struct LoaderPlan {
  std::vector<uint32_t> order;  // indices in the data set
  int64_t batch_size = 1;
  ImageShape shape;                          // what the model takes
  std::optional<Augmentation> augmentation;  // nothing: images as they are
  uint64_t seed = 0;                         // of the augmentation, as is the epoch
  int64_t epoch = 0;
  double mixup_alpha = 0;  // see mixup.h; 0: images are not mixed
};

struct Batch {
  const uint8_t* pixels = nullptr;  // [size, C, H, W], RN_ALIGNMENT-aligned
  const int32_t* labels = nullptr;
  int64_t size = 0;
  // An image is a mixture: so much of one with labels[i], the rest of one with labels2[i].
  double share = 1;
  const int32_t* labels2 = nullptr;
};

// What the batches are depends on the data set and the plan alone, not on the number of threads.
class Loader {
 public:
  // `data` must outlive it.
  Loader(const Dataset& data, LoaderPlan plan, int threads);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The next batch, valid until the next call; empty at the end. Throws what reading one of its images threw.
  Batch next();
  // Seconds that `next` waited so far.
  double waited() const { return waited_; }

  // Memory for batches of this size.
  static int64_t bytes(const ImageShape& shape, int64_t batch_size) {
    return kSlots * batch_size * shape.bytes();
  }

 private:
  // One batch in use and two to come.
  static constexpr int64_t kSlots = 3;

  // A place for a batch.
  struct Slot {
    Memory pixels;
    Memory labels;
    Memory labels2;
    double share = 1;
    std::vector<std::exception_ptr> errors;  // of each sample
    int64_t left = 0;                        // samples to be read
    bool ready = false;
  };
  struct Range {
    int64_t begin = 0;
    int64_t end = 0;
  };

  int64_t count() const { return static_cast<int64_t>(plan_.order.size()); }
  Slot& slot(int64_t batch) { return slots_[static_cast<size_t>(batch % kSlots)]; }
  void work();
  std::optional<Range> take(std::unique_lock<std::mutex>& lock);
  void read(int64_t sample, Image& image);
  void finish(int64_t batch);

  const Dataset& data_;
  const LoaderPlan plan_;
  std::vector<Slot> slots_;
  double waited_ = 0;

  std::mutex mutex_;  // for all below, and for Slot::left and ready
  std::condition_variable work_;
  std::condition_variable ready_;
  int64_t given_ = 0;     // samples given to threads
  int64_t current_ = -1;  // the batch in use; the places of those before may be used again
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace rnrun
