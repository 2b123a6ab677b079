// The calls on what is in a job's outbox.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/job_call.h"
#include "server/app/job_manager.h"
#include "server/base/error_info.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::JobId;

absl::StatusOr<std::vector<NotificationRecord>> JobManager::ListNotifications(
    const Principal& principal, const JobId& id, uint64_t after, uint32_t limit) {
  BITS_RETURN_IF_ERROR(Find(principal, id).status());
  return parts_.store->ListNotifications(id, after, limit);
}

void JobManager::ReplayNotification(const Principal& principal, const JobId& id, uint64_t number,
                                    Callback<NotificationRecord> done) {
  auto admission = std::make_shared<Admission>(in_flight_);
  if (!*admission) return done(TooMuchUnderWay());
  auto replayed = std::make_shared<NotificationRecord>();
  parts_.writer->Run(
      [principal, id, number, replayed](Step& step) -> absl::Status {
        BITS_RETURN_IF_ERROR(IfAllowed(principal, id, step.txn().GetJob(id)).status());
        BITS_ASSIGN_OR_RETURN(
            *replayed,
            OrNotFound(step.txn().GetNotification(id, number),
                       MakeRefusal(absl::StatusCode::kNotFound, domain::SymbolOf(domain::kNotFound),
                                   absl::StrCat("Job ", id, " has no notification ", number,
                                                ": it was delivered, or never made."),
                                   {{"job", id}, {"notification", absl::StrCat(number)}})));
        if (replayed->given_up) replayed->tries = 0;
        replayed->given_up = false;
        replayed->next_try = step.now();
        BITS_RETURN_IF_ERROR(step.txn().PutNotification(id, *replayed));
        step.Notify();
        return absl::OkStatus();
      },
      [replayed, admission, done = std::move(done)](absl::Status status) {
        if (!status.ok()) return done(std::move(status));
        done(std::move(*replayed));
      });
}

}  // namespace bits::app
