// What every mutating call on a job does first, and the refusals that the calls share. Of the
// sources of JobManager alone.
#ifndef BITS_SERVER_APP_JOB_CALL_H_
#define BITS_SERVER_APP_JOB_CALL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/job_manager.h"
#include "server/app/job_writer.h"
#include "server/base/status_macros.h"

namespace bits::app {

absl::Status FileNotFound(const domain::JobId& id, uint32_t file);

// Permission before existence (AIP-211): who may not see a job does not learn whether it is there.
absl::StatusOr<domain::Job> IfAllowed(const Principal& principal, const domain::JobId& id,
                                      absl::StatusOr<domain::Job> found);

// Refuses that someone else than its owner, be it an administrator, changes to whom the job shows its
// secrets: they take the job first (TakeOwnership), which strips them.
absl::Status CheckMayRedirect(const Principal& principal, const domain::Job& job,
                              std::string_view field);

absl::Status CheckRevision(const CallOptions& options, const domain::Job& job);

// The record of the request, if it was carried out before.
absl::StatusOr<std::optional<RequestRecord>> FindRepeated(Step& step, const Principal& principal,
                                                          const CallOptions& options);
// One that is not yet written.
RequestRecord NewRecord(const Step& step, const Principal& principal, const CallOptions& options,
                        const domain::JobId& id);

// A plain NOT_FOUND of the store, as the caller is to see it.
template <typename T>
absl::StatusOr<T> OrNotFound(absl::StatusOr<T> found, absl::Status refusal) {
  if (absl::IsNotFound(found.status())) return refusal;
  return found;
}

// A caller's place among the mutating calls under way; falsy if there are too many.
class Admission {
 public:
  explicit Admission(std::atomic<int>& in_flight)
      : in_flight_(in_flight), admitted_(in_flight.fetch_add(1) < kMaximumInFlight) {}
  ~Admission() { in_flight_.fetch_sub(1); }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  explicit operator bool() const { return admitted_; }

 private:
  static constexpr int kMaximumInFlight = 4096;
  std::atomic<int>& in_flight_;
  const bool admitted_;
};

absl::Status TooMuchUnderWay();

struct JobManager::Call {
  Step& step;
  domain::Job job;
  bool repeated = false;  // the request was carried out before: change nothing
  RequestRecord record;   // of the request, this one or the one before
};

template <typename T>
void JobManager::Mutate(const Principal& principal, const domain::JobId& id, const CallOptions& options,
                        std::function<absl::StatusOr<T>(Call&)> change, Callback<T> done) {
  auto admission = std::make_shared<Admission>(in_flight_);
  if (!*admission) return done(TooMuchUnderWay());
  auto result = std::make_shared<std::optional<T>>();
  parts_.writer->Run(
      [principal, id, options, change = std::move(change), result](Step& step) -> absl::Status {
        Call call{step, {}, false, {}};
        BITS_ASSIGN_OR_RETURN(call.job, IfAllowed(principal, id, step.txn().GetJob(id)));
        using Found = std::optional<RequestRecord>;
        BITS_ASSIGN_OR_RETURN(Found repeated, FindRepeated(step, principal, options));
        call.repeated = repeated.has_value();
        call.record =
            call.repeated ? *std::move(repeated) : NewRecord(step, principal, options, id);
        if (!call.repeated) BITS_RETURN_IF_ERROR(CheckRevision(options, call.job));
        BITS_ASSIGN_OR_RETURN(*result, change(call));
        if (call.repeated || options.request_id.empty()) return absl::OkStatus();
        return step.txn().PutRequest(call.record);
      },
      [result, admission, done = std::move(done)](absl::Status status) {
        if (!status.ok()) return done(std::move(status));
        done(*std::move(*result));
      });
}

}  // namespace bits::app

#endif  // BITS_SERVER_APP_JOB_CALL_H_
