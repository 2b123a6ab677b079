#include "tests/unit/app/world.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace bits::app::testing {
namespace {

std::unique_ptr<Application> MakeApplication(World& w) {
  Application::Options options;
  options.policy = w.policy;
  options.notifications = w.notifications;
  auto app = std::make_unique<Application>(
      Application::Ports{w.store.get(), &w.files, w.engine.get(), &w.clock, &w.executor, w.sealer,
                         nullptr, w.webhooks, w.format, w.commands},
      options,
      *w.store->LastRevision());
  EXPECT_TRUE(app->Recover().ok());
  return app;
}

}  // namespace

World::World(uint32_t background_slots)
    : policy{{"background_slots", uint64_t{background_slots}}} {
  store::MemoryJobStore::Options options;
  options.synchronous = true;
  store = std::make_unique<store::MemoryJobStore>(options);
  app = MakeApplication(*this);
}

domain::JobId World::Create(uint32_t count, const std::string& directory,
                            domain::Job properties) {
  properties.display_name = directory;
  std::vector<NewFile> new_files;
  for (uint32_t n = 1; n <= count; ++n) {
    new_files.push_back({absl::StrCat("http://origin/", n), absl::StrCat(directory, "/", n), {}});
  }
  Answer<domain::Job> answer;
  app->jobs().CreateJob(alice, properties, new_files, true, {}, answer.Callback());
  EXPECT_TRUE(answer.value().ok()) << answer.value().status();
  return answer.value()->id;
}

domain::Job World::Get(const domain::JobId& id) { return *app->jobs().GetJob(alice, id); }

Answer<domain::Job> World::Do(void (JobManager::*verb)(const Principal&, const domain::JobId&,
                                                       const CallOptions&,
                                                       JobManager::JobCallback),
                              const domain::JobId& id, CallOptions options) {
  Answer<domain::Job> answer;
  (app->jobs().*verb)(alice, id, options, answer.Callback());
  return answer;
}

void World::Restart() {
  // What the old process had in hand never comes to anything.
  executor.Clear();
  auto old_engine = std::exchange(engine, std::make_unique<FakeEngine>());
  app.reset();
  old_engine.reset();
  app = MakeApplication(*this);
}

}  // namespace bits::app::testing
