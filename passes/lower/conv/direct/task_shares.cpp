#include "passes/lower/conv/direct/task_shares.h"

#include <algorithm>

namespace rnc {

using loops::Expr;

namespace {

constexpr int64_t kMostTasks = 64;  // parts are not divided further than into about so many
constexpr int64_t kPerThread = 2;   // tasks that a thread should have, at least

}  // namespace

TaskShares::TaskShares(int64_t parts, int64_t panels, int64_t blocks)
    : parts_(parts), panels_(panels), blocks_(blocks), divisions_({{1, 1}}) {
  while (parts * divisions_.back().shares() < kMostTasks) {
    Division next = divisions_.back();
    int64_t& divided = next.panels < panels ? next.panels : next.blocks;
    divided = std::min(2 * divided, next.panels < panels ? panels : blocks);
    if (next.shares() == divisions_.back().shares()) return;
    divisions_.push_back(next);
  }
}

int64_t TaskShares::tasks() const { return parts_ * divisions_.back().shares(); }

Expr TaskShares::suitable(int64_t Division::*which) const {
  Expr value = divisions_.back().*which;
  for (size_t i = divisions_.size() - 1; i-- > 0;) {
    const Expr enough = loops::less_equal(kPerThread * loops::threads(), parts_ * divisions_[i].shares());
    value = loops::select(enough, divisions_[i].*which, value);
  }
  return value;
}

TaskShare TaskShares::of_task(Body& body) const {
  const int64_t most = divisions_.back().shares();
  if (most == 1) return {loops::task(), 0, panels_, 0, blocks_, {}};
  TaskShare share;
  share.part = body.let("part", loops::task() / most);
  const Expr rows = body.let("rows", suitable(&Division::panels));
  const Expr columns = body.let("columns", suitable(&Division::blocks));
  // Shares lie evenly among the part's tasks, so that threads find as many in every range of tasks.
  const Expr place = body.let("place", loops::task() % most * (rows * columns));
  share.works = loops::less(place % most, rows * columns);
  const Expr row = body.let("row", place / most / columns),
             column = body.let("column", place / most % columns);
  // The minima change nothing; they let the verifier see that no share ends past the last.
  share.panel0 = body.let("panel0", row * panels_ / rows);
  share.panel1 = body.let("panel1", loops::min((row + 1) * panels_ / rows, panels_));
  share.block0 = body.let("block0", column * blocks_ / columns);
  share.block1 = body.let("block1", loops::min((column + 1) * blocks_ / columns, blocks_));
  return share;
}

}  // namespace rnc
