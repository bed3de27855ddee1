#include "runtime/data/files/image_cache.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/support/output.h"
#include "runtime/support/thread_pool.h"

namespace rnrun {

namespace {

class MemoryCache : public ImageCache {
 public:
  MemoryCache(DecodePlace decode, int64_t count, int64_t bytes)
      : decode_(std::move(decode)), left_(bytes), images_(static_cast<size_t>(bytes > 0 ? count : 0)) {}
  ~MemoryCache() override {
    for (const auto& image : images_) delete image.load();
  }
  MemoryCache(const MemoryCache&) = delete;
  MemoryCache& operator=(const MemoryCache&) = delete;

  Image read(int64_t place) const override {
    if (images_.empty()) return decode_(place);
    std::atomic<const Image*>& kept = images_[static_cast<size_t>(place)];
    if (const Image* known = kept.load(std::memory_order_acquire)) return *known;
    Image image = decode_(place);
    keep(image, kept);
    return image;
  }

 private:
  // Puts a copy in the cache if there is room.
  void keep(const Image& image, std::atomic<const Image*>& place) const {
    const auto bytes = static_cast<int64_t>(image.pixels.size() + sizeof(Image));
    if (left_.fetch_sub(bytes) < bytes) {
      left_ += bytes;
      return;
    }
    auto copy = std::make_unique<const Image>(image);
    const Image* none = nullptr;
    if (place.compare_exchange_strong(none, copy.get(), std::memory_order_release))
      copy.release();
    else  // another thread was faster
      left_ += bytes;
  }

  DecodePlace decode_;
  mutable std::atomic<int64_t> left_;                      // bytes
  mutable std::vector<std::atomic<const Image*>> images_;  // by place; owned
};

}  // namespace

std::unique_ptr<const ImageCache> memory_cache(DecodePlace decode, int64_t count, int64_t bytes) {
  return std::make_unique<MemoryCache>(std::move(decode), count, bytes);
}

void for_all_images(int64_t count, const std::string& doing, const std::function<void(int64_t)>& each) {
  constexpr std::chrono::seconds kBetweenLines(5);
  std::atomic<int64_t> next = 0;
  std::mutex mutex;  // for the two below
  std::exception_ptr error;
  auto told = std::chrono::steady_clock::now();
  const auto work = [&] {
    for (int64_t i = next++; i < count; i = next++) {
      try {
        each(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        error = std::current_exception();
        next = count;
      }
      const std::lock_guard lock(mutex);
      if (std::chrono::steady_clock::now() - told < kBetweenLines) continue;
      told = std::chrono::steady_clock::now();
      print_message(fmt::format("rnrun: {}: {} of {}", doing, std::min(next.load(), count), count));
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < default_threads(); ++i) threads.emplace_back(work);
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace rnrun
