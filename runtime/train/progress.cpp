#include "runtime/train/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "runtime/support/output.h"

namespace rnrun {

namespace {

constexpr int kBarWidth = 20;
constexpr double kBarSeconds = 0.1;    // between redraws
constexpr double kLineSeconds = 10.0;  // between plain lines

}  // namespace

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  const auto total = static_cast<int64_t>(std::max(seconds, 0.0) + 0.5);
  const int64_t minutes = total / 60;
  if (minutes < 60) return fmt::format("{}:{:02}", minutes, total % 60);
  return fmt::format("{}:{:02}:{:02}", minutes / 60, minutes % 60, total % 60);
}

std::string progress_text(const ProgressState& s, const Task& task) {
  const size_t digits = fmt::formatted_size("{}", s.batches);
  std::string text = fmt::format(
      "Epoch: [{}/{}]  [{:>{}}/{}]  eta: {}  lr: {:.6g}  img/s: {:.0f}  loss: {:.4f}", s.epoch, s.epochs,
      s.batch, digits, s.batches, duration_text(s.seconds_left), s.lr, s.images_per_s, s.metrics.loss());
  for (size_t i = 0; i < task.metrics().size(); ++i)
    if (const double value = task.value(s.metrics, i); !std::isnan(value))
      text += fmt::format("  {}: {}", task.metrics()[i].progress, task.metrics()[i].text(value));
  return text;
}

std::string test_text(const Metrics& m, const Task& task) {
  std::string text;
  for (size_t i = 0; i < task.metrics().size(); ++i)
    text += fmt::format("{} {} ", task.metrics()[i].test, task.metrics()[i].text(task.value(m, i), 3));
  return fmt::format("{} loss: {:.4f}", text, m.loss());
}

Progress::Progress(int64_t print_freq, const Task& task)
    : print_freq_(print_freq), task_(task), terminal_(isatty(STDOUT_FILENO) == 1), shown_(Clock::now()) {}

void Progress::clear_bar() {
  if (bar_shown_) print("\r\x1b[K");
  bar_shown_ = false;
}

void Progress::line(std::string_view text) {
  clear_bar();
  print("{}\n", text);
  std::fflush(stdout);
}

void Progress::update(const ProgressState& s) {
  const auto now = Clock::now();
  if (s.batch >= s.batches || (print_freq_ > 0 && s.batch % print_freq_ == 0)) {
    line(progress_text(s, task_));
    shown_ = now;
    return;
  }
  if (!terminal_ && print_freq_ > 0) return;
  if (seconds_between(shown_, now) < (terminal_ ? kBarSeconds : kLineSeconds)) return;
  shown_ = now;
  if (!terminal_) {
    line(progress_text(s, task_));
    return;
  }
  const auto done = static_cast<int>(s.batch * kBarWidth / std::max<int64_t>(s.batches, 1));
  print("\r[{:=<{}}{:<{}}] {}\x1b[K", "", done, "", kBarWidth - done, progress_text(s, task_));
  std::fflush(stdout);
  bar_shown_ = true;
}

}  // namespace rnrun
