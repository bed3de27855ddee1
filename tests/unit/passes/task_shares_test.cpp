// Tasks that share the parts of a weight gradient, for any number of threads.
#include "passes/lower/conv/direct/task_shares.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "ir/loops/interpreter.h"

namespace rnc {
namespace {

struct Work {
  std::vector<int32_t> done;   // by part, panel and block: times that it was done
  std::vector<int32_t> tasks;  // by task: pairs of panel and block done
};

Work run(int64_t parts, int64_t panels, int64_t blocks, int64_t threads) {
  using loops::Access;
  using loops::Expr;
  using loops::Scalar;
  const TaskShares shares(parts, panels, blocks);
  Names names;
  Body body(names);
  const auto memory = [](const char* name, std::vector<loops::Extent> dims) {
    return std::make_shared<const loops::Memory>(
        loops::Memory{name, Scalar::i32, std::move(dims), loops::Space::parameter, Access::update});
  };
  const loops::MemoryRef done = memory("done", {{parts, 0}, {panels, 0}, {blocks, 0}});
  const loops::MemoryRef tasks = memory("tasks", {{shares.tasks(), 0}});
  const TaskShare share = shares.of_task(body);
  const auto count = [](Body& b, const loops::MemoryRef& m, const std::vector<Expr>& at) {
    b.store(m, at, loops::load(m, at) + loops::constant(Scalar::i32, 1));
  };
  body.when(share.works, [&](Body& b) {
    b.loop("panel", share.panel0, share.panel1, 1, [&](Body& c, Expr panel) {
      c.loop("block", share.block0, share.block1, 1, [&](Body& d, Expr block) {
        count(d, done, {share.part, panel, block});
        count(d, tasks, {loops::task()});
      });
    });
  });
  loops::Kernel kernel{.name = "k", .params = {done, tasks}, .tasks = {shares.tasks(), 0}};
  kernel.body = loops::block(body.finish());
  CHECK(loops::broken_rule(kernel) == "");
  Work work;
  work.done.resize(static_cast<size_t>(parts * panels * blocks));
  work.tasks.resize(static_cast<size_t>(shares.tasks()));
  loops::RunOptions options;
  options.threads = threads;
  void* const arguments[] = {work.done.data(), work.tasks.data()};
  loops::run(kernel, 1, arguments, options);
  return work;
}

int64_t working(const Work& work) {
  return std::count_if(work.tasks.begin(), work.tasks.end(), [](int32_t pairs) { return pairs > 0; });
}

}  // namespace

TEST_CASE("every pair of panel and block is one task's, for any number of threads") {
  for (const int64_t parts : {1, 3, 4, 16, 64}) {
    for (const int64_t panels : {1, 2, 3, 5, 8}) {
      for (const int64_t blocks : {1, 3, 4, 7, 16}) {
        for (const int64_t threads : {1, 2, 3, 7, 32, 1000}) {
          CAPTURE(parts);
          CAPTURE(panels);
          CAPTURE(blocks);
          CAPTURE(threads);
          const Work work = run(parts, panels, blocks, threads);
          CHECK(std::ranges::all_of(work.done, [](int32_t times) { return times == 1; }));
        }
      }
    }
  }
}

TEST_CASE("whole parts for few threads, two tasks for each of many, evenly placed") {
  CHECK(working(run(4, 2, 8, 1)) == 4);
  CHECK(working(run(4, 2, 8, 2)) == 4);
  CHECK(working(run(4, 2, 8, 3)) == 8);
  CHECK(working(run(4, 2, 8, 8)) == 16);
  CHECK(working(run(4, 2, 8, 64)) == 64);
  CHECK(working(run(4, 1, 3, 64)) == 12);  // no more to share
  CHECK(TaskShares(64, 4, 4).tasks() == 64);
  const Work work = run(4, 2, 8, 8);
  for (size_t task = 0; task < work.tasks.size(); ++task) CHECK(work.tasks[task] == (task % 4 == 0 ? 4 : 0));
}

}  // namespace rnc
