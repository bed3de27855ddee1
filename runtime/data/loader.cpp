#include "runtime/data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/data/mixup.h"
#include "runtime/model/profile.h"

namespace rnrun {

namespace {

int32_t* numbers(const Memory& memory) { return reinterpret_cast<int32_t*>(memory.data()); }

constexpr int64_t kRange = 8;  // samples that a thread takes at a time

}  // namespace

Loader::Loader(const Dataset& data, LoaderPlan plan, int threads) : data_(data), plan_(std::move(plan)) {
  const int64_t batch_size = std::min(plan_.batch_size, count());
  for (int64_t i = 0; i < kSlots; ++i) {
    Slot& s = slots_.emplace_back();
    s.pixels = Memory(batch_size * plan_.shape.bytes(), "batches of images");
    s.labels = Memory(batch_size * int64_t{sizeof(int32_t)}, "batches of labels");
    s.labels2 = Memory(s.labels.size(), "batches of labels");
    s.errors.resize(static_cast<size_t>(batch_size));
  }
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// The next samples to read, all of one batch; waits until there is a place for them. Nothing at the end.
std::optional<Loader::Range> Loader::take(std::unique_lock<std::mutex>& lock) {
  const auto has_place = [&] { return given_ / plan_.batch_size < std::max<int64_t>(current_, 0) + kSlots; };
  work_.wait(lock, [&] { return stop_ || given_ == count() || has_place(); });
  if (stop_ || given_ == count()) return std::nullopt;
  const int64_t batch = given_ / plan_.batch_size;
  const int64_t batch_end = std::min((batch + 1) * plan_.batch_size, count());
  if (given_ % plan_.batch_size == 0) {
    slot(batch).left = batch_end - given_;
    slot(batch).ready = false;
  }
  const Range range{given_, std::min(given_ + kRange, batch_end)};
  given_ = range.end;
  return range;
}

void Loader::work() {
  Image image;
  std::unique_lock lock(mutex_);
  while (const auto range = take(lock)) {
    lock.unlock();
    for (int64_t sample = range->begin; sample < range->end; ++sample) read(sample, image);
    lock.lock();
    const int64_t batch = range->begin / plan_.batch_size;
    Slot& s = slot(batch);
    s.left -= range->end - range->begin;
    if (s.left > 0) continue;
    lock.unlock();
    finish(batch);
    lock.lock();
    s.ready = true;
    ready_.notify_one();
  }
}

void Loader::read(int64_t sample, Image& image) {
  Slot& s = slot(sample / plan_.batch_size);
  const int64_t place = sample % plan_.batch_size;
  const int64_t index = plan_.order[static_cast<size_t>(sample)];
  std::exception_ptr& error = s.errors[static_cast<size_t>(place)];
  error = nullptr;
  try {
    numbers(s.labels)[place] = data_.read(index, image);
    const std::string name = fmt::format("image {}", index);
    if (plan_.augmentation)
      augment(image, plan_.shape, *plan_.augmentation,
              sample_random("augmentation", plan_.seed, plan_.epoch, index), name);
    else
      fit(image, plan_.shape, name);
    std::memcpy(s.pixels.data() + place * plan_.shape.bytes(), image.pixels.data(), image.pixels.size());
  } catch (...) {
    error = std::current_exception();
  }
}

// Mixes the images of a batch when all are there.
void Loader::finish(int64_t batch) {
  Slot& s = slot(batch);
  const int64_t begin = batch * plan_.batch_size;
  const int64_t size = std::min(plan_.batch_size, count() - begin);
  if (plan_.mixup_alpha > 0) {
    const int64_t first = plan_.order[static_cast<size_t>(begin)];
    s.share = mixup_share(plan_.mixup_alpha, sample_random("mixup", plan_.seed, plan_.epoch, first));
    mix(reinterpret_cast<uint8_t*>(s.pixels.data()), size, plan_.shape.bytes(), s.share, numbers(s.labels),
        numbers(s.labels2));
  } else {
    std::copy_n(numbers(s.labels), size, numbers(s.labels2));
  }
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  ++current_;
  work_.notify_all();
  const int64_t begin = current_ * plan_.batch_size;
  const int64_t end = std::min(begin + plan_.batch_size, count());
  if (begin >= end) return {};
  Slot& s = slot(current_);
  const auto start = Clock::now();
  ready_.wait(lock, [&] { return given_ >= end && s.ready; });
  waited_ += seconds_between(start, Clock::now());
  for (int64_t i = 0; i < end - begin; ++i)
    if (const auto& error = s.errors[static_cast<size_t>(i)]) std::rethrow_exception(error);
  return {reinterpret_cast<const uint8_t*>(s.pixels.data()), numbers(s.labels), end - begin, s.share,
          numbers(s.labels2)};
}

}  // namespace rnrun
