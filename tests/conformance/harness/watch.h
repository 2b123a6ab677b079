// A watcher of jobs, with which tests wait for what happens to them.
#ifndef BITS_TESTS_CONFORMANCE_HARNESS_WATCH_H_
#define BITS_TESTS_CONFORMANCE_HARNESS_WATCH_H_

#include <grpcpp/client_context.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "server/base/mutex.h"

namespace bits::testing {

inline constexpr absl::Duration kPatience = absl::Seconds(30);

// One WatchJobs stream, read by a thread of its own from the start; all that comes is kept.
// Thread-safe.
class Watch {
 public:
  using Predicate = std::function<bool(const v1::JobEvent&)>;

  // `deadline`: the call's. `stub` outlives the watch.
  explicit Watch(v1::JobService::Stub* stub, const v1::WatchJobsRequest& request = {},
                 std::optional<absl::Duration> deadline = std::nullopt);
  ~Watch();  // cancels the call

  // The job as it was when it next entered `state`, beginning after what was awaited of this job
  // before. The first time, how the job came into view (created, or in the snapshot) counts too.
  // DEADLINE_EXCEEDED tells the states that it went through instead.
  absl::StatusOr<v1::Job> Await(const std::string& job, v1::Job::State state,
                                absl::Duration timeout = kPatience);
  // The first event of the watch, come or to come, for which the predicate holds.
  absl::StatusOr<v1::JobEvent> AwaitEvent(const Predicate& predicate,
                                          absl::Duration timeout = kPatience);
  // What the stream ended with; nullopt if it has not.
  std::optional<grpc::Status> AwaitEnd(absl::Duration timeout = kPatience);

  // All events so far, or those of one job.
  std::vector<v1::JobEvent> Events() const;
  std::vector<v1::JobEvent> EventsOf(const std::string& job) const;
  // The states that a job went through, each change once.
  std::vector<v1::Job::State> StatesOf(const std::string& job) const;
  // Of the last event that has one.
  std::string LastCursor() const;

  void Cancel() { context_.TryCancel(); }
  // So that what was read before is read anew by nobody: stops reading at once.
  void CancelAndWait();

 private:
  void Run();

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::JobEvent>> reader_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<v1::JobEvent> events_ BITS_GUARDED_BY(mutex_);
  std::map<std::string, size_t> awaited_ BITS_GUARDED_BY(mutex_);  // by job: where to go on
  std::optional<grpc::Status> end_ BITS_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Whether the event tells how a job came into view or into another state.
bool TellsState(const v1::JobEvent& event);

// "QUEUED CONNECTING ERROR".
std::string NamesOf(const std::vector<v1::Job::State>& states);

}  // namespace bits::testing

#endif  // BITS_TESTS_CONFORMANCE_HARNESS_WATCH_H_
