#include "runtime/measure/rank_news.h"

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace rnrun {

namespace {

// Every rank runs the same program on the same kind of machine: values travel as they lie in memory.
class Writer {
 public:
  template <class T>
  void value(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <class T>
  void list(const std::vector<T>& values) {
    value(static_cast<int64_t>(values.size()));
    text_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  template <class T>
  T value() {
    T value{};
    take(&value, sizeof value);
    return value;
  }
  template <class T>
  std::vector<T> list() {
    std::vector<T> values(static_cast<size_t>(value<int64_t>()));
    take(values.data(), values.size() * sizeof(T));
    return values;
  }

 private:
  void take(void* to, size_t bytes) {
    if (bytes > 0) std::memcpy(to, text_.substr(0, bytes).data(), bytes);
    text_.remove_prefix(bytes);
  }
  std::string_view text_;
};

void write(Writer& out, const Metrics& m) {
  out.value(m.samples);
  out.value(m.loss_sum);
  out.value(m.keeps);
  out.list(m.sums);
  out.list(m.rows);
  out.value(static_cast<int64_t>(m.kept.size()));
  for (const auto& kept : m.kept) out.list(kept);
}

Metrics read_metrics(Reader& in) {
  Metrics m;
  m.samples = in.value<int64_t>();
  m.loss_sum = in.value<double>();
  m.keeps = in.value<bool>();
  m.sums = in.list<double>();
  m.rows = in.list<double>();
  m.kept.resize(static_cast<size_t>(in.value<int64_t>()));
  for (auto& kept : m.kept) kept = in.list<float>();
  return m;
}

}  // namespace

RankNews exchange(const Communicator& ranks, const RankNews& own) {
  if (ranks.size() == 1) return own;
  Writer out;
  out.value(own.stop);
  out.value(static_cast<int64_t>(own.counted.size()));
  for (const Metrics& m : own.counted) write(out, m);
  RankNews all;
  for (const std::string& text : ranks.exchange(out.text())) {
    Reader in(text);
    const int stop = in.value<int>();
    if (all.stop == 0) all.stop = stop;
    for (auto left = in.value<int64_t>(); left > 0; --left) all.counted.push_back(read_metrics(in));
  }
  return all;
}

}  // namespace rnrun
