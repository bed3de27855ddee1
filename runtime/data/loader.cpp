#include "runtime/data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/data/augment/mixture.h"
#include "runtime/model/profile.h"

namespace rnrun {

namespace {

constexpr int64_t kRange = 8;  // samples that a thread takes at a time

// Of each field in a sample of the data. Pictures that the data do not have are made of their targets.
std::vector<size_t> places_in(const Dataset& data, const std::vector<Field>& fields) {
  if (!data.degradation()) return places_of(fields, data);
  std::vector<size_t> places;
  for (const Field& field : fields)
    places.push_back(field.is_target || !field.is_picture() ? places_of({field}, data)[0] : Loader::kMade);
  return places;
}

// Where each batch begins, and where the last one ends.
std::vector<int64_t> begins_of(const LoaderPlan& plan) {
  std::vector<int64_t> begins = {0};
  const auto count = static_cast<int64_t>(plan.order.size());
  for (const int64_t size : plan.batches) begins.push_back(begins.back() + size);
  while (begins.back() < count) begins.push_back(std::min(begins.back() + plan.batch_size, count));
  return begins;
}

}  // namespace

Loader::Loader(const Dataset& data, LoaderPlan plan, int threads)
    : data_(data), plan_(std::move(plan)), places_(places_in(data, plan_.fields)), begins_(begins_of(plan_)) {
  check_sizes();
  int64_t batch_size = 0;
  for (int64_t batch = 0; batch < batches(); ++batch) batch_size = std::max(batch_size, size_of(batch));
  for (int64_t i = 0; i < kSlots; ++i) {
    Slot& s = slots_.emplace_back();
    for (const Field& field : plan_.fields) {
      s.values.emplace_back(batch_size * field.bytes(), "batches");
      if (plan_.mixes())
        s.others.push_back(field.is_picture() && field.dtype == DType::u8
                               ? Memory()
                               : Memory(batch_size * field.bytes(), "batches"));
    }
    s.errors.resize(static_cast<size_t>(batch_size));
  }
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

// Pictures that belong together are changed alike, which takes the same size but for mirroring.
void Loader::check_sizes() const {
  if (!plan_.augmentation || data_.degradation()) return;
  Augmentation others = *plan_.augmentation;
  others.hflip = others.vflip = 0;
  const Field* first = nullptr;
  for (const Field& field : plan_.fields) {
    if (!field.is_picture() && !field.is_mask()) continue;
    const auto size = [](const Field& f) { return std::pair(f.shape[f.shape.size() - 2], f.shape.back()); };
    if (first != nullptr && size(*first) != size(field) && others != Augmentation())
      throw UsageError(
          fmt::format("'{}' is {} and '{}' {}: pictures of different sizes can only be mirrored at random",
                      first->name, type_text(*first), field.name, type_text(field)));
    first = &field;
  }
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
  const auto has_place = [&] { return giving_ < std::max<int64_t>(current_, 0) + kSlots; };
  work_.wait(lock, [&] { return stop_ || given_ == count() || has_place(); });
  if (stop_ || given_ == count()) return std::nullopt;
  const int64_t batch_end = begin_of(giving_ + 1);
  if (given_ == begin_of(giving_)) {
    slot(giving_).left = size_of(giving_);
    slot(giving_).ready = false;
  }
  const Range range{giving_, given_, std::min(given_ + kRange, batch_end)};
  given_ = range.end;
  if (given_ == batch_end) ++giving_;
  return range;
}

void Loader::work() {
  Sample memory;
  std::unique_lock lock(mutex_);
  while (const auto range = take(lock)) {
    lock.unlock();
    const int64_t batch = range->batch;
    Slot& s = slot(batch);
    for (int64_t sample = range->begin; sample < range->end; ++sample)
      read(sample, {s, sample - begin_of(batch)}, memory);
    lock.lock();
    s.left -= range->end - range->begin;
    if (s.left > 0) continue;
    lock.unlock();
    finish(batch);
    lock.lock();
    s.ready = true;
    ready_.notify_one();
  }
}

// The random numbers for what is done to the sample at this position in the epoch: others each time that it comes.
Random Loader::random(std::string_view purpose, int64_t position) const {
  const uint32_t repetition =
      plan_.repetitions.empty() ? 0 : plan_.repetitions[static_cast<size_t>(position)];
  const std::string name = repetition == 0 ? std::string(purpose) : fmt::format("{} {}", purpose, repetition);
  return sample_random(name, plan_.seed, plan_.epoch, index(position));
}

std::string Loader::augmentation_of(size_t field) const {
  return field == 0 || !data_.pictures_are_apart() ? "augmentation"
                                                   : fmt::format("augmentation of {}", field);
}

void Loader::read(int64_t position, const Place& place, Sample& memory) {
  std::exception_ptr& error = place.slot.errors[static_cast<size_t>(place.index)];
  error = nullptr;
  try {
    data_.read(index(position), random("companions", position), memory);
    put(memory, position, place);
  } catch (...) {
    error = std::current_exception();
  }
}

// Makes a tensor of the data what the model takes.
void Loader::prepare(SampleTensor& tensor, size_t number, int64_t position) const {
  const Field& field = plan_.fields[number];
  const std::string name = fmt::format("image {}", index(position));
  const bool changes = plan_.augmentation && *plan_.augmentation != Augmentation();
  if (field.is_mask() && changes && tensor.dtype == DType::i32 && tensor.shape == field.shape)
    tensor.make_picture(name);
  if (field.is_mask() && tensor.is_picture()) {
    Image mask = tensor.take_picture(name);
    mask.is_mask = true;
    mask.outside = static_cast<uint8_t>(field.ignored.value_or(0));
    tensor.set(changed(std::move(mask), {1, field.shape[0], field.shape[1]}, position, number));
    tensor.make_classes();
  }
  if (!field.is_picture()) return;
  if (tensor.is_picture() || field.dtype == DType::u8)
    tensor.set(changed(tensor.take_picture(name), field.picture(), position, number));
  else if (changes)
    throw Error(fmt::format(
        "{}: '{}' is {}, which random changes are not made to: they are made to pictures of bytes", name,
        field.name, type_text(tensor.dtype, tensor.shape)));
}

// A map of the model's size, of a picture that has to be scaled, would not be scaled with it.
void Loader::check_maps(const Sample& sample, int64_t position) const {
  if (data_.degradation()) return;
  for (size_t map = 0; map < plan_.fields.size(); ++map)
    for (size_t picture = 0; picture < plan_.fields.size(); ++picture) {
      if (!plan_.fields[map].is_mask() || !plan_.fields[picture].is_picture()) continue;
      const SampleTensor &a = sample[places_[map]], &b = sample[places_[picture]];
      if (a.shape.size() == 2 && b.shape.size() == 3 &&
          (a.shape[0] != b.shape[1] || a.shape[1] != b.shape[2]))
        throw Error(fmt::format("image {}: '{}' is {}, '{}' {}: a map has the size of its picture",
                                index(position), plan_.fields[picture].name, type_text(b.dtype, b.shape),
                                plan_.fields[map].name, type_text(a.dtype, a.shape)));
    }
}

// Puts a sample in its place in the batch.
void Loader::put(Sample& sample, int64_t position, const Place& place) const {
  check_maps(sample, position);
  std::optional<Image> target;                      // that a sample is made of
  for (size_t i = plan_.fields.size(); i-- > 0;) {  // targets are behind samples
    const Field& field = plan_.fields[i];
    SampleTensor made;
    if (places_[i] == kMade) {
      made = degraded(*target, field, *data_.degradation(), random("degradation", position));
      put(made, i, position, place);
      continue;
    }
    SampleTensor& tensor = sample[places_[i]];
    prepare(tensor, i, position);
    if (data_.degradation() && field.is_target) target = tensor.picture();
    if (field.is_picture() && tensor.is_picture() && field.dtype == DType::f32) tensor.make_real();
    put(tensor, i, position, place);
  }
}

// Compiled code trusts shapes and ranges.
void Loader::put(const SampleTensor& tensor, size_t i, int64_t position, const Place& place) const {
  const Field& field = plan_.fields[i];
  if (tensor.dtype != field.dtype || tensor.shape != field.shape)
    throw Error(fmt::format("image {}: '{}' is {}, the model takes {}", index(position), field.name,
                            type_text(tensor.dtype, tensor.shape), type_text(field)));
  if (field.dtype == DType::i32) check_range(field, tensor.numbers(), "the data", index(position));
  std::memcpy(place.slot.values[i].data() + place.index * field.bytes(), tensor.bytes.data(),
              tensor.bytes.size());
}

// The pictures of one sample undergo the same random changes, unless they are apart.
Image Loader::changed(Image picture, const ImageShape& shape, int64_t position, size_t number) const {
  const std::string name = fmt::format("image {}", index(position));
  if (plan_.augmentation)
    augment(picture, shape, *plan_.augmentation, random(augmentation_of(number), position), name);
  else
    view(picture, shape, plan_.views, static_cast<int64_t>(position % view_count(plan_.views)), name);
  return picture;
}

// Mixes the pictures of a batch when all are there.
void Loader::finish(int64_t batch) {
  if (!plan_.mixes()) return;
  Slot& s = slot(batch);
  const int64_t begin = begin_of(batch), size = size_of(batch);
  const bool both = plan_.mixup_alpha > 0 && plan_.cutmix_alpha > 0;
  const bool cut = both ? random("mixture", begin).below(2) == 1 : plan_.cutmix_alpha > 0;
  if (!cut) s.share = mixture_share(plan_.mixup_alpha, random("mixup", begin));
  for (size_t i = 0; i < plan_.fields.size(); ++i) {
    const Field& field = plan_.fields[i];
    auto* pixels = reinterpret_cast<uint8_t*>(s.values[i].data());
    if (!field.is_picture() || field.dtype != DType::u8) {
      take_others(s.values[i].data(), size, field.bytes(), s.others[i].data());
    } else if (cut) {
      const Box box = cutmix_box(field.picture(), plan_.cutmix_alpha, random("cutmix", begin));
      cut_mix(pixels, size, field.picture(), box);
      s.share = cutmix_share(field.picture(), box);
    } else {
      mix(pixels, size, field.bytes(), s.share);
    }
  }
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  ++current_;
  work_.notify_all();
  if (current_ >= batches()) return {};
  const int64_t begin = begin_of(current_), end = begin_of(current_ + 1);
  Slot& s = slot(current_);
  const auto start = Clock::now();
  ready_.wait(lock, [&] { return given_ >= end && s.ready; });
  waited_ += seconds_between(start, Clock::now());
  for (int64_t i = 0; i < end - begin; ++i)
    if (const auto& error = s.errors[static_cast<size_t>(i)]) std::rethrow_exception(error);
  Batch result{.size = end - begin, .share = s.share};
  for (const Memory& values : s.values) result.values.push_back(values.data());
  for (const Memory& others : s.others) result.others.push_back(others.data());
  if (s.others.empty()) result.others = result.values;
  return result;
}

}  // namespace rnrun
