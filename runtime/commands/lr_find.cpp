#include "runtime/commands/lr_find.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "runtime/report/page.h"
#include "runtime/support/file.h"
#include "runtime/support/interrupt.h"
#include "runtime/train/lr_find.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

ordered_json json_of(const LrFind& find, const Session& session, const TrainSettings& settings) {
  ordered_json points = ordered_json::array();
  for (const LrPoint& p : find.points)
    points.push_back({{"lr", p.lr}, {"loss", p.loss}, {"smoothed", p.smoothed}});
  return {{"model", session.model().name()},
          {"data", settings.data},
          {"batch_size", settings.batch_size},
          {"optimizer", session.model().descriptor().optimizer},
          {"suggestion", find.suggestion ? ordered_json(*find.suggestion) : ordered_json()},
          {"diverged", find.diverged},
          {"points", points}};
}

}  // namespace

int find_lr(Session& session, const Task& task, const Dataset& data, const TrainSettings& settings,
            const std::string& directory, int workers, LineOutput* lines) {
  constexpr int64_t kStepsPerLine = 10;
  const LrRange range;
  const InterruptGuard guard;
  print("learning rates from {} to {} in {} steps of {} images\n", range.first, range.last, range.steps,
        settings.batch_size * settings.accumulate);
  int64_t step = 0;
  const LrFind find = find_lr(session, task, data, settings, range, workers, [&](const LrPoint& point) {
    if (++step % kStepsPerLine != 0) return;
    print("[{:>3}/{}]  lr: {:.2e}  loss: {:.4f}  smoothed: {:.4f}\n", step, range.steps, point.lr, point.loss,
          point.smoothed);
    std::fflush(stdout);
  });
  if (interrupted() != 0) return 128 + interrupted();
  make_directory(directory);
  const std::string csv = directory + "/lr_find.csv", page = directory + "/lr_find.html";
  const ordered_json json = json_of(find, session, settings);
  replace_file(csv, csv_text(find.points));
  replace_file(page, lr_find_page(json));
  if (find.diverged) print("stopped after {} steps: the loss has grown too large\n", find.points.size());
  if (find.suggestion)
    print("suggestion: --lr {:.2g}, where the loss falls fastest; the curve is in {} and {}\n",
          *find.suggestion, page, csv);
  else
    print(
        "no suggestion: the loss falls at none of these rates by more than chance does; a larger "
        "--batch-size may help; the curve is in {} and {}\n",
        page, csv);
  if (lines == nullptr) return 0;
  ordered_json event = {{"event", "lr_find"}};
  event.update(json);
  lines->line(event.dump());
  lines->finish();
  return 0;
}

}  // namespace rnrun
