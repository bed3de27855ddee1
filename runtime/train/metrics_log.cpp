#include "runtime/train/metrics_log.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

namespace {

constexpr std::string_view kHeader =
    "epoch,step,lr,train_loss,train_top1,train_top5,test_loss,test_top1,test_top5,seconds,images_per_s,"
    "waiting";

// Rewrites `path` with its first `count` lines, after `header` if there are none.
void keep_lines(const std::string& path, int64_t count, std::string_view header) {
  std::string kept;
  std::istringstream in(file_text(path));
  std::string line;
  for (int64_t i = 0; i < count && std::getline(in, line); ++i) kept += line + "\n";
  if (kept.empty() && !header.empty()) kept = std::string(header) + "\n";
  replace_file(path, kept);
}

void append_line(const std::string& path, const std::string& line) {
  std::ofstream out(path, std::ios::app);
  out << line << '\n' << std::flush;
  if (!out) throw Error(fmt::format("cannot write {}", path));
}

}  // namespace

MetricsLog::MetricsLog(std::string directory, int64_t epochs)
    : jsonl_(directory + "/metrics.jsonl"), csv_(directory + "/metrics.csv") {
  keep_lines(jsonl_, epochs, "");
  keep_lines(csv_, epochs + 1, kHeader);
}

void MetricsLog::epoch(const EpochRecord& m) {
  nlohmann::ordered_json json = {{"epoch", m.epoch},
                                 {"step", m.step},
                                 {"lr", m.lr},
                                 {"train_loss", m.train.loss()},
                                 {"train_top1", m.train.top1_rate()},
                                 {"train_top5", m.train.top5_rate()}};
  std::string test = ",,";
  if (m.test) {
    json["test_loss"] = m.test->loss();
    json["test_top1"] = m.test->top1_rate();
    json["test_top5"] = m.test->top5_rate();
    test = fmt::format("{},{},{}", m.test->loss(), m.test->top1_rate(), m.test->top5_rate());
  }
  json["seconds"] = m.seconds;
  json["images_per_s"] = m.images_per_s;
  json["waiting"] = m.waiting;
  append_line(jsonl_, json.dump());
  append_line(csv_, fmt::format("{},{},{},{},{},{},{},{:.3f},{:.1f},{:.5f}", m.epoch, m.step, m.lr,
                                m.train.loss(), m.train.top1_rate(), m.train.top5_rate(), test, m.seconds,
                                m.images_per_s, m.waiting));
}

}  // namespace rnrun
