#include "server/transfer/strand.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace bits::transfer {
namespace {

TEST(StrandTest, OneAfterAnother) {
  ThreadPool pool({.name = "test", .threads = 4});
  constexpr int kTasks = 2000;
  struct Line {
    std::shared_ptr<Strand> strand;
    std::vector<int> done;  // no lock: that is the point
    std::atomic<int> running = 0;
  };
  std::vector<std::unique_ptr<Line>> lines;
  for (int i = 0; i < 3; ++i) {
    lines.push_back(std::make_unique<Line>());
    lines.back()->strand = std::make_shared<Strand>(&pool);
  }
  for (int task = 0; task < kTasks; ++task) {
    for (auto& line : lines) {
      line->strand->Post([&line = *line, task] {
        EXPECT_EQ(line.running++, 0);
        line.done.push_back(task);
        EXPECT_EQ(--line.running, 0);
      });
    }
  }
  pool.Drain();
  for (auto& line : lines) {
    ASSERT_EQ(line->done.size(), static_cast<size_t>(kTasks));
    for (int task = 0; task < kTasks; ++task) {
      ASSERT_EQ(line->done[static_cast<size_t>(task)], task);
    }
  }
}

TEST(StrandTest, ATaskMayPostAndLetGo) {
  ThreadPool pool({.name = "test", .threads = 2});
  std::atomic<int> count = 0;
  auto strand = std::make_shared<Strand>(&pool);
  strand->Post([&, strand] {
    ++count;
    strand->Post([&] { ++count; });
  });
  strand = nullptr;
  pool.Drain();
  EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace bits::transfer
