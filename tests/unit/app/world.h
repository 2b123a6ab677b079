// The application in a fake world, its threads' work done by hand.
#ifndef BITS_TESTS_UNIT_APP_WORLD_H_
#define BITS_TESTS_UNIT_APP_WORLD_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/application.h"
#include "server/store/memory/memory_job_store.h"
#include "tests/unit/app/fakes.h"

namespace bits::app::testing {

// What a call came to. The store answers on the caller's thread, but Complete and Cancel answer
// when the finisher has run.
template <typename T>
class Answer {
 public:
  std::function<void(absl::StatusOr<T>)> Callback() {
    return [cell = cell_](absl::StatusOr<T> value) { *cell = std::move(value); };
  }
  bool given() const { return cell_->has_value(); }
  const absl::StatusOr<T>& value() const { return **cell_; }

 private:
  std::shared_ptr<std::optional<absl::StatusOr<T>>> cell_ =
      std::make_shared<std::optional<absl::StatusOr<T>>>();
};

struct World {
  explicit World(uint32_t background_slots = 2);

  // A job with so many files, a/1, a/2, ...: started.
  domain::JobId Create(uint32_t files, const std::string& directory = "a",
                       domain::Job properties = {});
  domain::Job Get(const domain::JobId& id);
  domain::JobState State(const domain::JobId& id) { return Get(id).state; }
  Answer<domain::Job> Do(void (JobManager::*verb)(const Principal&, const domain::JobId&,
                                                  const CallOptions&, JobManager::JobCallback),
                         const domain::JobId& id, CallOptions options = {});
  // Grants the turns that can be granted.
  void Turn() {
    while (app->scheduler().RunOnce()) {
    }
  }
  // A new process on the same store: what was in memory is gone.
  void Restart();

  FakeClock clock;
  FakeFiles files;
  std::unique_ptr<FakeEngine> engine = std::make_unique<FakeEngine>();
  ManualExecutor executor;
  std::unique_ptr<store::MemoryJobStore> store;
  std::unique_ptr<Application> app;
  Principal alice{"alice", false};
  domain::PolicySettings policy;  // the file's
  // Set, and then Restart().
  const SecretSealer* sealer = nullptr;
  WebhookSender* webhooks = nullptr;
  const NotificationFormat* format = nullptr;
  CommandRunner* commands = nullptr;
  Notifier::Options notifications;
};

}  // namespace bits::app::testing

#endif  // BITS_TESTS_UNIT_APP_WORLD_H_
