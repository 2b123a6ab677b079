#include "server/app/retimer.h"

#include <memory>
#include <utility>
#include <vector>

#include "server/base/log.h"
#include "server/base/mutex.h"
#include "server/base/status_macros.h"

namespace bits::app {
namespace {

constexpr uint32_t kJobsPerSlice = 256;

}  // namespace

bool Retimer::Slice() {
  if (!policies_->NeedsRetiming()) {
    under_.reset();
    return false;
  }
  const domain::TimerPolicy timers = policies_->current()->timers();
  if (under_ != timers) {
    under_ = timers;
    after_ = 0;
  }
  JobQuery query;
  query.show_final = true;
  query.after = after_;
  query.limit = kJobsPerSlice;
  absl::StatusOr<JobPage> page = store_->ListJobs(query);
  if (!page.ok()) {
    BITS_LOG(kWarning, "cannot read the jobs", {{"status", page.status()}});
    return false;
  }
  struct Wait {
    Mutex mutex;
    CondVar over;
    std::optional<absl::Status> status;
  };
  auto wait = std::make_shared<Wait>();
  std::vector<domain::JobId> ids;
  for (const domain::Job& job : page->jobs) ids.push_back(job.id);
  writer_->Run(
      [ids = std::move(ids)](Step& step) -> absl::Status {
        for (const domain::JobId& id : ids) {
          absl::StatusOr<domain::Job> job = step.txn().GetJob(id);
          if (absl::IsNotFound(job.status())) continue;
          BITS_RETURN_IF_ERROR(job.status());
          BITS_RETURN_IF_ERROR(step.Touch(*job));
        }
        return absl::OkStatus();
      },
      [wait](absl::Status status) {
        MutexLock lock(wait->mutex);
        wait->status = std::move(status);
        wait->over.SignalAll();
      });
  absl::Status status;
  {
    MutexLock lock(wait->mutex);
    wait->over.Wait(wait->mutex, [&] {
      wait->mutex.AssertHeld();
      return wait->status.has_value();
    });
    status = *wait->status;
  }
  if (!status.ok()) return false;
  after_ = page->last;
  if (!page->end) return true;
  policies_->Retimed(timers);
  under_.reset();
  return false;
}

}  // namespace bits::app
