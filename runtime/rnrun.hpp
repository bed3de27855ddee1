// librnrun for C++20: what rnrun.h declares, as classes that free what they hold, in namespace rnc.
//
//     rnc::Session session(rnc::Model::load("net.so"));
//     session.load_weights("net.safetensors");
//     std::vector<float> scores(n * 10);
//     session.infer({{"image", std::span(pixels), {n, 1, 28, 28}}}, {{"fc", std::span(scores), {n, 10}}});
//
// Errors are exceptions, rnc::Error, with rnrun_error_text() and the status. Arrays stay the caller's, and are used where
// they are if they begin at a multiple of RNRUN_ALIGNMENT. Threads and ownership are as rnrun.h says: a session may be used
// from several threads, which wait for each other. Objects can be moved; one that was moved from holds nothing.
#ifndef RNC_RUNTIME_RNRUN_HPP
#define RNC_RUNTIME_RNRUN_HPP

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "rnrun.h"

namespace rnc {

class Error : public std::runtime_error {
 public:
  Error(rnrun_status status, const std::string& text) : std::runtime_error(text), status_(status) {}
  rnrun_status status() const { return status_; }

 private:
  rnrun_status status_;
};

namespace detail {

inline void check(rnrun_status status) {
  if (status != RNRUN_OK) throw Error(status, rnrun_error_text());
}

template <auto free>
struct Free {
  template <class T>
  void operator()(T* held) const {
    free(held);
  }
};
using Text = std::unique_ptr<char, Free<rnrun_text_free>>;

inline std::string text(char* given) {
  const Text held(given);
  return held ? std::string(held.get()) : std::string();
}

template <class T>
constexpr rnrun_dtype dtype() {
  using Plain = std::remove_const_t<T>;
  if constexpr (std::same_as<Plain, float>) {
    return RNRUN_F32;
  } else if constexpr (std::same_as<Plain, std::uint8_t>) {
    return RNRUN_U8;
  } else if constexpr (std::same_as<Plain, std::int32_t>) {
    return RNRUN_I32;
  } else {
    static_assert(std::same_as<Plain, double>, "arrays are of float, uint8_t, int32_t or double");
    return RNRUN_F64;
  }
}

}  // namespace detail

// A row-major array of the caller's, by the name of an input, output or tensor. A span of const elements may only be read.
class Array {
 public:
  // Throws std::invalid_argument where the sizes are not the span's, or are too many.
  template <class T, std::size_t extent>
  Array(const char* name, std::span<T, extent> elements, std::initializer_list<std::int64_t> sizes)
      : array_{name, detail::dtype<T>(), static_cast<std::int32_t>(sizes.size()), {}, nullptr} {
    if (sizes.size() > RNRUN_MAX_RANK)
      throw std::invalid_argument(std::string(name) + ": too many dimensions");
    std::copy(sizes.begin(), sizes.end(), array_.dims);
    std::int64_t count = 1;
    for (const std::int64_t size : sizes) count *= size;
    if (count != static_cast<std::int64_t>(elements.size()))
      throw std::invalid_argument(std::string(name) + ": the span has " + std::to_string(elements.size()) +
                                  " elements, its sizes are of " + std::to_string(count));
    array_.data = const_cast<std::remove_const_t<T>*>(elements.data());
  }

  const rnrun_array& get() const { return array_; }

 private:
  rnrun_array array_;
};
static_assert(sizeof(Array) == sizeof(rnrun_array), "arrays are handed on as they are");

// A compiled network. Never changes.
class Model {
 public:
  static Model load(const std::string& path) {
    rnrun_model* model = nullptr;
    detail::check(rnrun_model_load(path.c_str(), &model));
    return Model(model);
  }
  static Model load(std::span<const std::byte> library) {
    rnrun_model* model = nullptr;
    detail::check(rnrun_model_load_bytes(library.data(), library.size(), &model));
    return Model(model);
  }
  // Linked into the program; must outlive all that is made of it.
  static Model linked(const rn_model_descriptor& descriptor) {
    rnrun_model* model = nullptr;
    detail::check(rnrun_model_linked(&descriptor, &model));
    return Model(model);
  }

  const rn_model_descriptor* descriptor() const { return rnrun_model_descriptor(get()); }
  std::string json(std::int64_t batch = 1, int threads = 0) const {
    char* json = nullptr;
    detail::check(rnrun_model_json(get(), batch, threads, &json));
    return detail::text(json);
  }
  const rnrun_model* get() const { return model_.get(); }

 private:
  explicit Model(rnrun_model* model) : model_(model) {}
  std::unique_ptr<rnrun_model, detail::Free<rnrun_model_free>> model_;
};

// A network with its tensors, memory and threads.
class Session {
 public:
  // 0 threads: as many as there are CPUs for this process.
  explicit Session(const Model& model, int threads = 0) {
    rnrun_session* session = nullptr;
    detail::check(rnrun_session_create(model.get(), threads, &session));
    session_.reset(session);
  }

  void initialize(std::uint64_t seed) { detail::check(rnrun_initialize(get(), seed)); }
  // Returns what there is to say of the file, a line each.
  std::string load_weights(const std::string& path, bool partial = false) {
    char* notes = nullptr;
    detail::check(rnrun_load_weights(get(), path.c_str(), partial ? 1 : 0, &notes));
    return detail::text(notes);
  }
  void save_weights(const std::string& path) { detail::check(rnrun_save_weights(get(), path.c_str())); }
  void load_checkpoint(const std::string& path) { detail::check(rnrun_load_checkpoint(get(), path.c_str())); }
  void save_checkpoint(const std::string& path) { detail::check(rnrun_save_checkpoint(get(), path.c_str())); }
  void get_tensor(const Array& array) { detail::check(rnrun_get_tensor(get(), &array.get())); }
  void set_tensor(const Array& array) { detail::check(rnrun_set_tensor(get(), &array.get())); }
  void set_number(const std::string& name, double value) {
    detail::check(rnrun_set_number(get(), name.c_str(), value));
  }

  using Arrays = std::span<const Array>;
  void infer(Arrays inputs, Arrays outputs) {
    detail::check(rnrun_infer(get(), data(inputs), size(inputs), data(outputs), size(outputs)));
  }
  void infer(std::initializer_list<Array> inputs, std::initializer_list<Array> outputs) {
    infer(Arrays(inputs), Arrays(outputs));
  }
  // The loss as in inference.
  double evaluate(Arrays inputs, Arrays outputs) {
    double loss = 0;
    detail::check(rnrun_evaluate(get(), data(inputs), size(inputs), data(outputs), size(outputs), &loss));
    return loss;
  }
  double evaluate(std::initializer_list<Array> inputs, std::initializer_list<Array> outputs) {
    return evaluate(Arrays(inputs), Arrays(outputs));
  }
  // The loss before the step. Error with RNRUN_DIVERGED: it is not finite, and nothing was updated.
  double train_step(Arrays inputs, Arrays outputs) {
    double loss = 0;
    detail::check(rnrun_train_step(get(), data(inputs), size(inputs), data(outputs), size(outputs), &loss));
    return loss;
  }
  double train_step(std::initializer_list<Array> inputs, double lr) {
    std::vector<Array> all(inputs);
    all.emplace_back("lr", std::span(&lr, 1), std::initializer_list<std::int64_t>{});
    return train_step(Arrays(all), Arrays());
  }
  void call(const std::string& entry, Arrays inputs, Arrays outputs) {
    detail::check(rnrun_call(get(), entry.c_str(), data(inputs), size(inputs), data(outputs), size(outputs)));
  }

  std::int64_t steps() const { return rnrun_steps(session_.get()); }
  std::int64_t copied_bytes() const { return rnrun_copied_bytes(session_.get()); }
  rnrun_session* get() { return session_.get(); }

 private:
  static const rnrun_array* data(Arrays arrays) { return arrays.empty() ? nullptr : &arrays.front().get(); }
  static std::int64_t size(Arrays arrays) { return static_cast<std::int64_t>(arrays.size()); }

  std::unique_ptr<rnrun_session, detail::Free<rnrun_session_free>> session_;
};

}  // namespace rnc

#endif
